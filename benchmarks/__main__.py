"""`python -m benchmarks [SCENARIO …]`: run scenarios, print one table, write the raw samples."""

import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from benchmarks import results
from benchmarks.bench import Bench
from benchmarks.results import Line
from benchmarks.scale import FULL, QUICK
from benchmarks.scenarios import ON_REQUEST, SCENARIOS


def main(
    scenarios: Annotated[list[str] | None, typer.Argument(help="which; by default all but chunk-sizes")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="small sizes: does it work, not how fast is it")] = False,
    samples: Annotated[int | None, typer.Option(min=1, help="repetitions of repeated measurements")] = None,
    seed: Annotated[int, typer.Option(help="seed of the portal's data")] = 1,
) -> None:
    """Measure the platform against the sandbox; missed targets are marked, they do not fail the command."""
    chosen = [name for name in SCENARIOS if name in scenarios] if scenarios else [*SCENARIOS.keys() - ON_REQUEST]
    chosen.sort(key=list(SCENARIOS).index)
    if unknown := set(scenarios or ()) - SCENARIOS.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(SCENARIOS)}")
    scale = QUICK if quick else FULL
    load = os.getloadavg()
    document = {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": asdict(scale),
        "seed": seed,
        "environment": results.environment(),
        "samples": {},
    }
    lines: list[Line] = []
    with Bench(scale, seed, samples) as bench:
        for name in chosen:
            bench.console.print(f"[bold]{name}[/bold]")
            outcome = SCENARIOS[name](bench)
            lines += outcome.lines
            document["samples"][name] = outcome.samples
    document["load_average_after"] = [round(value, 2) for value in os.getloadavg()]
    results.show(lines, results.write(document, lines), load)


if __name__ == "__main__":
    typer.run(main)
