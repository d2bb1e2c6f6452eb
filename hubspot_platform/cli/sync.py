"""`hubspot-platform sync`: read objects from HubSpot into the mirror, without Dagster."""

import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubspot_platform.cli.output import Output, SyncProgress, sync_progress
from hubspot_platform.errors import PlatformError, UsageError
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, object_type
from hubspot_platform.settings import load_settings

if TYPE_CHECKING:
    from hubspot_platform.mirror.plan import SyncRequest
    from hubspot_platform.runtime import Platform

Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]


def command(
    objects: Annotated[list[str], typer.Argument(help="objects (contacts, deals, owners, …) or all")],
    full: Annotated[bool, typer.Option("--full", help="read every record, not only what changed")] = False,
    since: Annotated[datetime | None, typer.Option(help="read what changed since then (UTC)")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="read only so many records, as a test")] = None,
    confirm_deletes: Annotated[bool, typer.Option("--confirm-deletes", help="delete even if much is gone")] = False,
    as_json: Json = False,
) -> None:
    """Read objects from HubSpot into the mirror; without options, what changed since the last sync."""
    if full and since:
        raise UsageError("--full and --since do not go together", mend="give one of them")
    from hubspot_platform.home import prepare_home
    from hubspot_platform.mirror.plan import SyncRequest
    from hubspot_platform.runtime import Platform

    output = Output(as_json)
    settings = load_settings()
    prepare_home(settings)
    platform = Platform(settings)
    requests = {
        name: SyncRequest(
            object_type(name),
            full=full,
            since=since.replace(tzinfo=UTC) if since else None,
            limit=limit,
            confirm_deletes=confirm_deletes,
        )
        for name in _names(objects)
        if name not in REFERENCES
    }
    references = [name for name in _names(objects) if name in REFERENCES]
    with sync_progress(output) as progress:
        results = _run(platform, requests, references, progress)
    platform.close()
    _report(output, results)


def _names(objects: Sequence[str]) -> list[str]:
    if "all" in objects:
        return [*CATALOGUE, *REFERENCES]
    return list(dict.fromkeys(name if name in REFERENCES else object_type(name).name for name in objects))


def _run(
    platform: "Platform", requests: dict[str, "SyncRequest"], references: Sequence[str], progress: SyncProgress
) -> dict[str, Any]:
    """Sync side by side; one that fails does not stop the others."""
    from hubspot_platform.mirror.reference import sync_reference
    from hubspot_platform.mirror.sync import sync_object

    run_id = f"cli-{uuid.uuid4()}"
    with ThreadPoolExecutor(max_workers=len(requests) + len(references)) as pool:
        futures: dict[str, Future[Any]] = {
            name: pool.submit(sync_object, platform, request, run_id=run_id, listen=progress)
            for name, request in requests.items()
        }
        for name in references:
            futures[name] = pool.submit(sync_reference, platform, REFERENCES[name], run_id=run_id)
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
