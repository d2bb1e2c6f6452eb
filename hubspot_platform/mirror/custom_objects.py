"""Custom objects into their tables `custom_<name>`, whatever the portal defines.

The asset `hubspot/custom_objects` and `hubspot-platform sync custom` call `sync_custom_objects`; each object is synced
by the ordinary engine, with progress of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hubspot_platform.errors import PlatformError
from hubspot_platform.hubspot.catalogue import CUSTOM_OBJECTS, ObjectType, UnknownObject
from hubspot_platform.hubspot.custom_objects import CustomObject, fetch_custom_objects
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.mirror.plan import SyncRequest
from hubspot_platform.mirror.reference import ReferenceReport, sync_reference
from hubspot_platform.mirror.report import SyncReport
from hubspot_platform.mirror.sync import ProgressListener, sync_object
from hubspot_platform.runtime import Platform


class CustomObjectsFailed(PlatformError):
    """Some custom objects could not be synced; the others were."""

    def __init__(self, failed: Mapping[str, PlatformError], all_objects: int) -> None:
        told = "; ".join(f"{name}: {error}" for name, error in failed.items())
        super().__init__(
            f"{len(failed)} of {all_objects} custom objects failed: {told}", mend=next(iter(failed.values())).mend
        )
        self.failed = failed


@dataclass(frozen=True)
class CustomReport:
    """One sync of all custom objects: the read of their list, and the report of each by name."""

    listed: ReferenceReport
    objects: Mapping[str, SyncReport]

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines, in the shape of a sync report."""
        reports = self.objects.values()
        return {
            "object": CUSTOM_OBJECTS.name,
            "counts": {"read": sum(report.objects_read for report in reports)},
            "calls": self.listed.calls + sum(report.calls for report in reports),
            "seconds": self.listed.seconds + sum(report.seconds or 0 for report in reports),
            "objects": {name: report.as_json() for name, report in self.objects.items()},
        }


def sync_custom_objects(
    platform: Platform,
    *,
    run_id: str,
    listen: ProgressListener = lambda _: None,
    request: Callable[[ObjectType], SyncRequest] = SyncRequest,
) -> CustomReport:
    """Read the portal's schemas and sync the records of each, one after the other; `request` says how to read one.

    Raises what `sync_reference` raises, and CustomObjectsFailed once the others are done when some could not be synced.
    """
    listed = sync_reference(platform, CUSTOM_OBJECTS, run_id=run_id)
    found = _fetch(platform) if sum(listed.rows.values()) else []
    done: dict[str, SyncReport] = {}
    failed: dict[str, PlatformError] = {}
    for entry in (each.entry for each in found):
        try:
            done[entry.name] = sync_object(platform, request(entry), run_id=run_id, listen=listen)
        except PlatformError as error:
            failed[entry.name] = error
    if failed:
        raise CustomObjectsFailed(failed, len(found))
    return CustomReport(listed, done)


def custom_object(platform: Platform, name: str) -> ObjectType:
    """Return the entry of a custom object by table, full name or type id; UnknownObject names those the portal has."""
    wanted, found = name.strip().lower(), [each.entry for each in _fetch(platform)]
    for entry in found:
        if wanted in (entry.name, entry.plural.lower(), entry.type_id):
            return entry
    raise UnknownObject(name, tuple(entry.name for entry in found))


def _fetch(platform: Platform) -> list[CustomObject]:
    with platform.hubspot() as policy:
        return fetch_custom_objects(sdk_client(policy))
