"""`hubspot-platform demo`: the whole platform on this machine, with no account and no internet."""

from pathlib import Path
from typing import Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.settings import load_settings


def command(
    size: Annotated[str, typer.Option(help="small, document (29,000 contacts, 1,000 deals) or large")] = "document",
    seed: Annotated[int, typer.Option(help="the same seed gives the same portal")] = 1,
    once: Annotated[bool, typer.Option("--once", help="exit after the summary")] = False,
    home: Annotated[Path | None, typer.Option(help="folder of everything the demo writes")] = None,
    rate_limit: Annotated[
        str, typer.Option(help="the portal's limits: none, free, professional, addon")
    ] = "professional",
    port: Annotated[int, typer.Option(help="port of the Dagster UI, 0 for any free one")] = 3000,
    sandbox_port: Annotated[int, typer.Option(help="port of the sandbox, 0 for any free one")] = 8020,
    gateway_port: Annotated[int, typer.Option(help="port of the gateway, 0 for any free one")] = 8030,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Run the whole platform against the sandbox portal."""
    from hubspot_platform.cli.demonstration import DemoOptions, run_demo

    folder = home or load_settings().home / "demo"
    options = DemoOptions(
        size=size,
        seed=seed,
        once=once,
        home=folder,
        rate_limit=rate_limit,
        port=port,
        sandbox_port=sandbox_port,
        gateway_port=gateway_port,
    )
    if not run_demo(Output(as_json), options):
        raise typer.Exit(1)
