"""`hubspot-platform sync`: read objects from HubSpot into the mirror, without Dagster."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubspot_platform.cli.output import Output, SyncProgress, sync_progress
from hubspot_platform.errors import PlatformError, UsageError
from hubspot_platform.hubspot.catalogue import CATALOGUE, CUSTOM_OBJECTS, REFERENCES, ObjectType, object_type
from hubspot_platform.hubspot.custom_objects import ALL, names_custom_object
from hubspot_platform.settings import load_settings

if TYPE_CHECKING:
    from hubspot_platform.mirror.plan import SyncRequest
    from hubspot_platform.runtime import Platform

SIDE_BY_SIDE = 6  # each holds a chunk in memory, and all of them share HubSpot's call budget and the warehouse


class Via(StrEnum):
    """Where a full read gets its records from."""

    LIST = "list"
    EXPORT = "export"


Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]


def command(
    objects: Annotated[list[str], typer.Argument(help="objects (contacts, calls, custom, owners, …) or all")],
    full: Annotated[bool, typer.Option("--full", help="read every record, not only what changed")] = False,
    since: Annotated[datetime | None, typer.Option(help="read what changed since then (UTC)")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="read only so many records, as a test")] = None,
    history: Annotated[bool, typer.Option("--history/--no-history", help="read earlier values of properties")] = True,
    confirm_deletes: Annotated[bool, typer.Option("--confirm-deletes", help="delete even if much is gone")] = False,
    census: Annotated[bool, typer.Option("--census", help="compare every id and repair what differs")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="read what was archived or restored")] = False,
    merges: Annotated[bool, typer.Option("--merges", help="follow merged records to those that survive")] = False,
    associations: Annotated[bool, typer.Option("--associations", help="compare and replace associations")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="compare every value, calculated ones too")] = False,
    via: Annotated[Via, typer.Option(help="where --full reads from: lists, or an export of few calls")] = Via.LIST,
    as_json: Json = False,
) -> None:
    """Read objects from HubSpot into the mirror; without options, what changed since the last sync."""
    from hubspot_platform.home import prepare_home
    from hubspot_platform.mirror.plan import PASSES, SyncRequest
    from hubspot_platform.runtime import Platform

    chosen = zip(PASSES, (census, archived, merges, associations, refresh), strict=True)
    passes = [repair for repair, wanted in chosen if wanted]
    _one_way(full=full, others=(since, limit, *passes), passes=PASSES, via=via)
    output = Output(as_json)
    settings = load_settings()
    prepare_home(settings)
    platform = Platform(settings)

    def request(obj: ObjectType) -> SyncRequest:
        return SyncRequest(
            obj,
            full=full,
            since=since.replace(tzinfo=UTC) if since else None,
            limit=limit,
            confirm_deletes=confirm_deletes,
            history=history,
            by_export=via is Via.EXPORT,
            repair=passes[0] if passes else None,
        )

    names = _names(objects)
    entries = [_entry(platform, name) for name in names if name not in REFERENCES]
    references = [name for name in names if name in REFERENCES and (name == CUSTOM_OBJECTS.name or not passes)]
    if not entries and not references:
        raise UsageError("reference data has no passes", mend="name objects, or all")
    with sync_progress(output) as progress:
        whole = {"full": full, "confirm_deletes": confirm_deletes}
        results = _run(platform, entries, dict.fromkeys(references, whole), request, progress)
    platform.close()
    _report(output, results)


def _one_way(*, full: bool, others: Sequence[object], passes: Sequence[str], via: Via) -> None:
    """Refuse options that ask for two ways of reading."""
    if sum(map(bool, (full, *others))) > 1:
        options = ", ".join(f"--{repair}" for repair in passes)
        raise UsageError(f"--full, --since, --limit, {options} do not go together", mend="give one of them")
    if via is Via.EXPORT and not full:
        raise UsageError("--via export is a way to read everything", mend="give --full too")


def _names(objects: Sequence[str]) -> list[str]:
    if "all" in objects:
        return [*CATALOGUE, *REFERENCES]
    return list(dict.fromkeys(map(_name, objects)))


def _name(name: str) -> str:
    if name == ALL:
        return CUSTOM_OBJECTS.name
    return name if name in REFERENCES or names_custom_object(name) else object_type(name).name


def _entry(platform: "Platform", name: str) -> ObjectType:
    from hubspot_platform.mirror.custom_objects import custom_object

    return CATALOGUE[name] if name in CATALOGUE else custom_object(platform, name)


def _run(
    platform: "Platform",
    entries: Sequence[ObjectType],
    references: Mapping[str, Mapping[str, bool]],
    request: Callable[[ObjectType], "SyncRequest"],
    progress: SyncProgress,
) -> dict[str, Any]:
    """Sync side by side; one that fails does not stop the others. `references` has the options of each."""
    from hubspot_platform.mirror.custom_objects import sync_custom_objects
    from hubspot_platform.mirror.reference import sync_reference
    from hubspot_platform.mirror.sync import sync_object

    run_id = f"cli-{uuid.uuid4()}"
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        futures: dict[str, Future[Any]] = {
            entry.name: pool.submit(sync_object, platform, request(entry), run_id=run_id, listen=progress)
            for entry in entries
        }
        for name, options in references.items():
            if name == CUSTOM_OBJECTS.name:
                futures[name] = pool.submit(
                    sync_custom_objects, platform, run_id=run_id, listen=progress, request=request
                )
            else:
                futures[name] = pool.submit(sync_reference, platform, REFERENCES[name], run_id=run_id, **options)
    results: dict[str, Any] = {}
    for name, future in futures.items():
        error = future.exception()
        if error is not None and not isinstance(error, PlatformError):
            raise error
        results[name] = error or future.result()
    return results


def _report(output: Output, results: dict[str, Any]) -> None:
    failed = {name: result for name, result in results.items() if isinstance(result, PlatformError)}
    done = {name: result.as_json() for name, result in results.items() if name not in failed}
    rows = [
        [
            name,
            document.get("mode", "all"),
            document["counts"]["read"],
            document["calls"],
            document["seconds"],
        ]
        for name, document in done.items()
    ]
    output.table("Synced", ["object", "mode", "records read", "API calls", "seconds"], rows)
    for name, error in failed.items():
        output.say(f"{name} failed: {error}")
    output.result({"synced": done, "failed": {name: str(error) for name, error in failed.items()}})
    if failed:
        raise typer.Exit(1)
