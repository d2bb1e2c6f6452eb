"""`hubspot-platform process`: let the workers empty the inbox once, without Dagster."""

from typing import Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.settings import load_settings

Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]


def command(
    queues: Annotated[
        list[str] | None, typer.Argument(help="queues or workers; without any, all that have one")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="longest time for each queue")] = 600.0,
    as_json: Json = False,
) -> None:
    """Handle what waits in the inbox, queue by queue, the most urgent first, and show how full the queues are."""
    from hubspot_platform.home import prepare_home
    from hubspot_platform.runtime import Platform
    from hubspot_platform.state import database_now, inbox
    from hubspot_platform.state.inbox import Depth
    from hubspot_platform.workers.catalogue import QUEUES, drained, queue
    from hubspot_platform.workers.engine import drain

    output, settings = Output(as_json), load_settings()
    chosen = [queue(name) for name in queues] if queues else list(drained())
    prepare_home(settings)
    platform = Platform(settings)
    reports = [drain(platform, entry, seconds=seconds) for entry in chosen]
    depths = platform.state().read(lambda conn: inbox.depths(conn, database_now(conn)))
    platform.close()
    output.table(
        "Processed",
        ["queue", "applied", "duplicates", "retried", "parked", "dead", "seconds"],
        [[r.queue, r.applied, r.duplicates, r.retried, r.parked, r.dead, f"{r.seconds:.1f}"] for r in reports],
    )
    known = {entry.name: depths.pop(entry.name, Depth()) for entry in QUEUES} | depths
    held = {name: depth for name, depth in known.items() if depth != Depth()}
    output.table(
        "Still in the inbox",
        ["queue", "ready", "leased", "parked", "dead"],
        [[name, depth.ready, depth.leased, depth.parked, depth.dead] for name, depth in held.items()],
    )
    for report in reports:
        if report.outage:
            output.say(f"{report.queue}: {report.outage}")
    output.result(
        {
            "processed": [report.as_json() for report in reports],
            "queues": {name: vars(depth) for name, depth in held.items()},
        }
    )
    if any(report.outage or report.lost for report in reports):
        raise typer.Exit(1)
