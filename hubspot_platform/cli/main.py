"""The command line's entry point: commands, `--json`, logging and exit codes.

Exit codes: 0 done, 1 work failed, 2 wrong usage or configuration. Commands import what they need when they run, so
that `--help` is quick.
"""

import json
import logging
import signal
import sys

import typer
from typer.exceptions import TyperException

from hubspot_platform.cli import (
    build,
    demo,
    dev,
    doctor,
    explore,
    gateway,
    ingest,
    land,
    metric,
    process,
    query,
    schema,
    sync,
    topics,
)
from hubspot_platform.errors import ConfigurationError, PlatformError, UsageError
from hubspot_platform.sandbox import command as sandbox

app = typer.Typer(
    name="hubspot-platform",
    help="HubSpot in a warehouse: mirrored, modelled, checked, alerted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.command)
app.command("dev")(dev.command)
app.command("sandbox")(sandbox.command)
app.command("gateway")(gateway.command)
app.command("sync")(sync.command)
app.command("land")(land.command)
app.command("ingest")(ingest.ingest)
app.command("process")(process.command)
app.command("replay")(ingest.replay)
app.command("topics")(topics.command)
app.command("build")(build.command)
app.command("explore")(explore.command)
app.command("metric")(metric.command)
app.command("query")(query.command)
app.command("schema")(schema.command)
app.command("doctor")(doctor.command)


def run() -> None:
    """Run the command line and exit with its code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # A stopped demo stops its children too: only an exception lets every `with` block do its work.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except SystemExit as stop:
        # Typer has told people already; it ends the process while it handles what was wrong.
        if isinstance(stop.__context__, TyperException):
            _document("UsageError", stop.__context__.format_message(), "run the command with --help")
        raise
    except PlatformError as error:
        sys.stderr.write(f"hubspot-platform: {error}\n")
        _document(type(error).__name__, error.args[0], error.mend)
        sys.exit(2 if isinstance(error, ConfigurationError | UsageError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _document(error: str, message: str, mend: str) -> None:
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": error, "message": message, "mend": mend}) + "\n")
