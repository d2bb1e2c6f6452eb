"""`hubspot-platform ingest` and `replay`: recorded events into the inbox, and dead letters back into it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.errors import UsageError
from hubspot_platform.settings import load_settings

if TYPE_CHECKING:
    from hubspot_platform.state.inbox import Status
    from hubspot_platform.workers.ingest import IngestReport

Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]
MOST_SHOWN = 20


class From(StrEnum):
    """Whose events a file holds."""

    CHARGEBEE = "chargebee"
    JIRA = "jira"
    HUBSPOT = "hubspot"


def ingest(
    source: Annotated[From, typer.Argument(help="whose events these are")],
    file: Annotated[Path, typer.Argument(help="one JSON document a line, as the system sends them")],
    as_json: Json = False,
) -> None:
    """Put recorded events into the inbox as if they had been received, then process them."""
    from hubspot_platform.home import prepare_home
    from hubspot_platform.runtime import Platform
    from hubspot_platform.workers.ingest import ingest as ingest_file

    output, settings = Output(as_json), load_settings()
    prepare_home(settings)
    platform = Platform(settings)
    report = ingest_file(platform, source.value, file, lambda now: output.say(_progress(now)))
    platform.close()
    for bad in report.bad[:MOST_SHOWN]:
        output.say(f"line {bad.line}: {bad.problem}")
    if len(report.bad) > MOST_SHOWN:
        output.say(f"and {len(report.bad) - MOST_SHOWN} more lines; all of them are dead letters")
    for name in report.as_json()["waiting_for_a_worker"]:
        output.say(f"{name}: stored, its worker is not there yet")
    drained = report.drained
    rows = [[each.queue, each.applied, each.duplicates, each.retried, each.parked, each.dead] for each in drained]
    output.table("Processed", ["queue", "applied", "duplicates", "retried", "parked", "dead"], rows)
    output.result(report.as_json())
    if report.bad or any(each.dead or each.retried or each.outage for each in drained):
        raise typer.Exit(1)


def _progress(report: "IngestReport") -> str:
    done = sum(each.handled for each in report.drained)
    return (
        f"{report.source}: {report.lines:,} lines, {report.accepted:,} events new, {report.duplicates:,} known, "
        f"{done:,} processed"
    )


def replay(
    queues: Annotated[list[str] | None, typer.Argument(help="queues or workers; without any, all")] = None,
    ids: Annotated[Path | None, typer.Option("--ids", help="a file of event ids, one a line; whatever state")] = None,
    everything: Annotated[bool, typer.Option("--all", help="events that are done too, not only dead letters")] = False,
    as_json: Json = False,
) -> None:
    """Put dead letters or stored events back into the inbox; `process` then handles them again."""
    from hubspot_platform.runtime import Platform
    from hubspot_platform.workers.catalogue import QUEUES, queue
    from hubspot_platform.workers.ingest import replay as put_back

    output = Output(as_json)
    names = [queue(name).name for name in queues] if queues else [entry.name for entry in QUEUES]
    chosen = read_ids(ids) if ids is not None else None
    statuses: list[Status] = ["dead", "done", "duplicate", "parked"] if everything or chosen is not None else ["dead"]
    platform = Platform(load_settings())
    count = put_back(platform, queues=names, ids=chosen, statuses=statuses)
    platform.close()
    output.say(f"{count:,} events put back; `hubspot-platform process` handles them")
    if chosen is not None and count < len(set(chosen)):
        output.say(f"{len(set(chosen)) - count:,} ids name no event of these queues, or one that is waiting already")
    output.result({"replayed": count, "asked": None if chosen is None else len(set(chosen))})


def read_ids(file: Path) -> list[int]:
    """Return the ids of a file, one a line; UsageError naming the line that is no id."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {type(error).__name__}", mend="give one event id a line") from None
    ids = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not (line.strip().isascii() and line.strip().isdigit() and len(line.strip()) < 19):
            raise UsageError(f"{file}, line {number}: is no event id", mend="give one event id a line")
        ids.append(int(line))
    return ids
