"""Running the gateway: the doors on one port, health and metrics on another, both in one process.

`hubspot-platform gateway` calls `serve`, which blocks until SIGINT or SIGTERM and then finishes what it has begun.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.gateway.app import Gateway
from hubspot_platform.runtime import Platform
from hubspot_platform.state import Store
from hubspot_platform.state.errors import StateError

logger = logging.getLogger(__name__)

HEADER_SECONDS = 10.0
BACKLOG = 2_048
STOP_GRACE = 5
TELL_SECONDS = 15.0
CONNECTIONS = 1_000


@dataclass(frozen=True)
class Addresses:
    """Where to listen; port 0 is any free one."""

    host: str
    port: int
    admin_port: int


class TimedHttp(HttpToolsProtocol):
    """uvicorn's HTTP, closing connections that take longer than ten seconds to send the head of a request."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first request."""
        super().connection_made(transport)
        self._arm()

    def on_message_begin(self) -> None:
        """Give the head of a request its time."""
        super().on_message_begin()
        self._arm()

    def on_headers_complete(self) -> None:
        """The head is here; the body has a limit of its own."""
        self._disarm()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        self._disarm()
        self._timer = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()


def serve(platform: Platform, addresses: Addresses, announce: Callable[[str, str], None]) -> None:
    """Listen, announce both addresses once they answer, and serve until stopped.

    ConfigurationError when an address cannot be had.
    """
    with contextlib.ExitStack() as stack:
        public = stack.enter_context(listener(addresses.host, addresses.port, "--port"))
        private = stack.enter_context(listener(addresses.host, addresses.admin_port, "--admin-port"))
        stack.callback(platform.close)
        urls = url_of(public), url_of(private)
        gateway = Gateway(platform.settings, platform.state(), platform.settings.gateway_public_url or urls[0])
        gateway.storing.set_aside()
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_until_signalled(gateway, platform.state(), (public, private), lambda: announce(*urls)))


async def _until_signalled(
    gateway: Gateway, store: Store, listeners: tuple[socket.socket, socket.socket], ready: Callable[[], None]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(gateway, store, listeners, ready, stop)


async def run(
    gateway: Gateway,
    store: Store,
    listeners: tuple[socket.socket, socket.socket],
    ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Serve the doors on the first listener and the private site on the second until `stop` is set."""
    listening = asyncio.Barrier(3)
    servers = [_Server(_config(site), listening) for site in (gateway, admin_site(gateway, store))]
    async with asyncio.TaskGroup() as tasks:
        serving = [tasks.create_task(server.serve([at])) for server, at in zip(servers, listeners, strict=True)]
        telling = tasks.create_task(_tell(gateway, store))
        await listening.wait()
        ready()
        await stop.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.wait(serving)
        telling.cancel()


async def _tell(gateway: Gateway, store: Store) -> None:
    """Pass on to the alerts what went wrong at the doors, again and again."""
    while True:
        await asyncio.sleep(TELL_SECONDS)
        try:
            await gateway.conditions.tell(store, store.now())
        except (StateError, sa.exc.SQLAlchemyError) as error:
            logger.error("conditions could not be told: %s", type(error).__name__)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: there are two servers, and one place that stops both."""

    def __init__(self, config: uvicorn.Config, listening: asyncio.Barrier) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening and say so."""
        await super().startup(sockets)
        await self._listening.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave the signals alone."""
        yield


def _config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=TimedHttp,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_GRACE,
        limit_concurrency=CONNECTIONS,
        backlog=BACKLOG,
    )


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


@contextlib.contextmanager
def listener(host: str, port: int, option: str) -> Iterator[socket.socket]:
    """Yield a bound socket; ConfigurationError naming the option when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError as error:
            problem = f"cannot listen on {host}:{port}: {error.strerror}"
            raise ConfigurationError(option, problem, mend="choose another, or 0 for a free one") from error
        yield made


def url_of(at: socket.socket) -> str:
    """Return the address a listener is reached at on this host."""
    host, port = at.getsockname()[:2]
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def admin_site(gateway: Gateway, store: Store) -> Starlette:
    """Return the private site: `/healthz` says the process lives, `/readyz` that it can store, `/metrics` counts."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        try:
            seconds = await asyncio.wait_for(asyncio.to_thread(store.ping), 2.0)
        except (StateError, sa.exc.SQLAlchemyError, TimeoutError) as error:
            return JSONResponse({"status": "store unavailable", "error": type(error).__name__}, 503)
        return JSONResponse({"status": "ok", "store_seconds": round(seconds, 6)})

    async def metrics(_request: Request) -> Response:
        try:
            page = await asyncio.wait_for(asyncio.to_thread(gateway.metrics.page), 5.0)
        except (StateError, sa.exc.SQLAlchemyError, TimeoutError) as error:
            return JSONResponse({"status": "store unavailable", "error": type(error).__name__}, 503)
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)])
