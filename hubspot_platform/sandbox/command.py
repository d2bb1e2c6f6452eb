"""The sandbox's command: `hubspot-platform sandbox` and `python -m hubspot_platform.sandbox` are this function."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer


def command(  # noqa: PLR0913, PLR0917 - one parameter per option
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port, 0 for any free one")] = 8020,
    size: Annotated[str, typer.Option(help="empty, small, document, large, or contacts=N,calls=M,…")] = "small",
    seed: Annotated[int, typer.Option(help="the same seed gives the same portal")] = 1,
    base_time: Annotated[datetime | None, typer.Option(help="the moment the seeded data ends at (UTC)")] = None,
    rate_limit: Annotated[str, typer.Option(help="none, free, professional or addon")] = "professional",
    latency_ms: Annotated[int, typer.Option(min=0, help="answer time, ±40 %")] = 0,
    faults: Annotated[Path | None, typer.Option(help="JSON file of faults to switch on")] = None,
) -> None:
    """Run a HubSpot-compatible portal with seeded data until Ctrl-C."""
    from hubspot_platform.sandbox.options import SandboxOptions
    from hubspot_platform.sandbox.server import serve

    serve(
        SandboxOptions(
            host=host,
            port=port,
            size=size,
            seed=seed,
            rate_limit=rate_limit,
            latency_ms=latency_ms,
            faults=faults,
            base_time=base_time.replace(tzinfo=base_time.tzinfo or UTC) if base_time else None,
        )
    )
