"""`python -m hubspot_platform.sandbox.product`: write the product database that goes with a portal."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hubspot_platform.errors import PlatformError
from hubspot_platform.sandbox.options import SandboxOptions
from hubspot_platform.sandbox.product.facts import portal_facts, seeded_facts
from hubspot_platform.sandbox.product.write import write_product


def command(
    out: Annotated[Path, typer.Option(help="folder to write product/, predictions/ and billing/ into")],
    portal: Annotated[str, typer.Option(help="address of a running sandbox; else one is seeded as it would be")] = "",
    size: Annotated[str, typer.Option(help="the portal's size, without --portal")] = "small",
    seed: Annotated[int, typer.Option(help="the same seed gives the same files")] = 1,
    base_time: Annotated[datetime | None, typer.Option(help="the moment the data ends at (UTC)")] = None,
) -> None:
    """Write the files and print how many rows each has, as JSON."""
    ends = base_time.replace(tzinfo=base_time.tzinfo or UTC) if base_time else None
    plan = SandboxOptions(size=size, seed=seed, base_time=ends).plan()
    facts = portal_facts(portal) if portal else seeded_facts(plan)
    sys.stdout.write(json.dumps(write_product(facts, seed, out)) + "\n")


if __name__ == "__main__":
    try:
        typer.run(command)
    except PlatformError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
