"""Running the sandbox: `serve` blocks until stopped; the command line and `python -m` share it."""

import contextlib
import gc
import socket
import sys
from collections.abc import Callable

import uvicorn

from hubspot_platform.sandbox.app import Sandbox
from hubspot_platform.sandbox.errors import SandboxError
from hubspot_platform.sandbox.options import SandboxOptions

BACKLOG = 2_048
STOP_GRACE = 2


def serve(options: SandboxOptions, announce: Callable[[str], None] | None = None) -> None:
    """Fill the portal, listen, announce the URL once calls are answered, and serve until SIGINT or SIGTERM.

    Raises SandboxError when the address cannot be had.
    """
    listener = _listen(options)
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    application = Sandbox(options)
    gc.freeze()  # the seeded records live as long as the process: no collection need look at them
    server = _Server(server_config(application), lambda: (announce or _say)(f"http://{shown}:{port}"))
    with contextlib.closing(listener):
        server.run(sockets=[listener])


def server_config(application: Sandbox) -> uvicorn.Config:
    """Return uvicorn's settings: fast parsers, no access log, no headers of its own (the portal sets the date)."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_GRACE,
        backlog=BACKLOG,
    )


class _Server(uvicorn.Server):
    """uvicorn, saying when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then announce."""
        await super().startup(sockets)
        self._ready()


def _listen(options: SandboxOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        listener.close()
        mend = "choose another --port, or 0 for a free one"
        raise SandboxError(f"cannot listen on {options.host}:{options.port}: {error}", mend=mend) from error
    return listener


def _say(url: str) -> None:
    sys.stdout.write(f"sandbox ready at {url}\n")
    sys.stdout.flush()
