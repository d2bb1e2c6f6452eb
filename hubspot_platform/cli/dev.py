"""`hubspot-platform dev`: the Dagster UI and daemon on the configured stores."""

from typing import Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.settings import load_settings


def command(
    host: Annotated[str, typer.Option(help="address of the Dagster UI")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port of the Dagster UI, 0 for any free one")] = 3000,
) -> None:
    """Run Dagster (UI, daemon, code server) until Ctrl-C."""
    from hubspot_platform.automation.instance import prepare_instance
    from hubspot_platform.cli.processes import DagsterServices

    settings = load_settings()
    settings.require_token()
    prepare_instance(settings)
    with DagsterServices(settings, host=host, port=port) as services:
        services.start_webserver()
        services.start_daemon()
        Output(False).say(f"Dagster UI: {services.url} — Ctrl-C stops")
        services.wait()
