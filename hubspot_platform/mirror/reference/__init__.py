"""Reference data into its tables: everything HubSpot has that is no CRM object.

One module per kind says what its rows are. Small kinds are read whole each time, and what is no longer there is marked
as deleted; large ones (list members, form submissions, e-mail events) are read as far as they changed. Called by the
reference assets and by `hubspot-platform sync`; killed at any moment and run again, it loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hubspot_platform.commit_points import reached
from hubspot_platform.hubspot.account import account_details, check_portal
from hubspot_platform.hubspot.catalogue import ReferenceType
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.mirror import writer
from hubspot_platform.mirror.plan import Progress, known_progress
from hubspot_platform.mirror.reference import (
    custom_objects,
    email,
    email_tables,
    forms,
    lists,
    owners,
    people,
    pipelines,
    properties,
)
from hubspot_platform.mirror.reference.reading import Reading, ReferenceRequest
from hubspot_platform.runtime import Platform
from hubspot_platform.state import leases, windows
from hubspot_platform.state.holders import holder_name
from hubspot_platform.state.leases import Lease
from hubspot_platform.state.windows import Window
from hubspot_platform.warehouse.model import Table

LEASE_TIME = timedelta(seconds=60)

# A reader returns up to which moment everything is in the warehouse now; None says up to the start of the read.
Reader = Callable[[Reading], Awaitable[datetime | None]]

REFERENCE_TABLES: Mapping[str, tuple[Table, ...]] = {
    "owners": (owners.OWNER, owners.OWNER_TEAM),
    "deal_pipelines": pipelines.DEAL_TABLES,
    "ticket_pipelines": pipelines.TICKET_TABLES,
    "properties": (properties.PROPERTY, properties.PROPERTY_OPTION),
    "custom_objects": (custom_objects.CUSTOM_OBJECTS_TABLE,),
    "users": (people.USERS,),
    "teams": (people.TEAM, people.TEAM_USER),
    "roles": (people.ROLE,),
    "lists": (lists.CONTACT_LIST, lists.CONTACT_LIST_MEMBER),
    "forms": (forms.FORM, forms.CONTACT_FORM_SUBMISSION),
    "email_campaigns": (email_tables.EMAIL_CAMPAIGN,),
    "email_events": (email_tables.EMAIL_EVENT, *email_tables.EVENT_TABLES.values()),
}

_READERS: Mapping[str, Reader] = {
    "owners": owners.read_owners,
    "deal_pipelines": pipelines.read_deal_pipelines,
    "ticket_pipelines": pipelines.read_ticket_pipelines,
    "properties": properties.read_properties,
    "custom_objects": custom_objects.read_custom_objects,
    "users": people.read_users,
    "teams": people.read_teams,
    "roles": people.read_roles,
    "lists": lists.read_lists,
    "forms": forms.read_forms,
    "email_campaigns": email.read_campaigns,
    "email_events": email.read_events,
}


@dataclass(frozen=True)
class ReferenceReport:
    """One read of reference data: rows read per table, rows with misfits, and the calls it took.

    `watermark` is None for a kind that the business settings leave out.
    """

    name: str
    rows: Mapping[str, int]
    rejected: int
    calls: int
    retries: int
    limited: int
    watermark: datetime | None
    started_at: datetime
    finished_at: datetime

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished_at - self.started_at).total_seconds()

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines, in the shape of a sync report."""
        return {
            "object": self.name,
            "counts": {"read": sum(self.rows.values()), **self.rows, "rejected": self.rejected},
            "calls": self.calls,
            "retries": self.retries,
            "limited": self.limited,
            "watermark": self.watermark,
            "seconds": self.seconds,
        }


def sync_reference(
    platform: Platform, entry: ReferenceType, *, run_id: str, full: bool = False, confirm_deletes: bool = False
) -> ReferenceReport:
    """Bring the tables of one kind up to now; with `full` as if nothing had been read before.

    Only one read of a kind runs at a time for a warehouse; a second one waits for a minute and then raises
    `LeaseBusy`. Raises the HubSpot errors of `hubspot/errors.py` (`MissingScope` names the scope), VolumeGuard when too
    much is gone and `confirm_deletes` is not set, and warehouse errors. A kind that the business settings leave out
    gets its tables and nothing else: HubSpot is not asked.
    """
    warehouse = platform.warehouse()
    if platform.business.mirror.skips(entry):
        return _skipped(platform, entry)
    name = f"sync:{warehouse.identity()}:{entry.name}"
    with (
        leases.held(platform.state(), name, holder=holder_name(run_id), ttl=LEASE_TIME, wait=LEASE_TIME) as lease,
        platform.hubspot() as policy,
    ):
        reached("sync.lease_taken")
        request = ReferenceRequest(entry, run_id, full=full, confirm_deletes=confirm_deletes)
        report = asyncio.run(_read(platform, policy, request, lease))
    reached("sync.before_publish")
    warehouse.publish()
    reached("sync.published")
    return report


def _skipped(platform: Platform, entry: ReferenceType) -> ReferenceReport:
    started, tables = platform.clock(), REFERENCE_TABLES[entry.name]
    with platform.warehouse().writer() as session, session.transaction():
        for table in tables:
            session.ensure(table)
    platform.warehouse().publish()
    return ReferenceReport(
        name=entry.name,
        rows=dict.fromkeys((table.name for table in tables), 0),
        rejected=0,
        calls=0,
        retries=0,
        limited=0,
        watermark=None,
        started_at=started,
        finished_at=platform.clock(),
    )


async def _read(platform: Platform, policy: HubSpotPolicy, request: ReferenceRequest, lease: Lease) -> ReferenceReport:
    started, entry = platform.clock(), request.entry
    async with Transport(policy) as transport:
        account = await account_details(transport)
        check_portal(account, platform.settings.hubspot_portal_id)
        reading = Reading(
            platform=platform,
            request=request,
            lease=lease,
            transport=transport,
            sdk=sdk_client(policy),
            account=account,
            progress=Progress(False, None) if request.full else await asyncio.to_thread(_progress, platform, entry),
            now=transport.server_now(),
        )
        until = await _READERS[entry.name](reading) or reading.now
        await reading.complete(Window(None, until))
        stats = transport.stats
    return ReferenceReport(
        name=entry.name,
        rows={table.name: reading.read[table.name] for table in REFERENCE_TABLES[entry.name]},
        rejected=reading.rejected,
        calls=stats.calls + reading.sdk_calls,
        retries=stats.retries,
        limited=stats.limited,
        watermark=until,
        started_at=started,
        finished_at=platform.clock(),
    )


def _progress(platform: Platform, entry: ReferenceType) -> Progress:
    warehouse = platform.warehouse()
    identity = warehouse.identity()
    watermark = platform.state().read(lambda connection: windows.watermark(connection, identity, entry.name))
    return known_progress(watermark is not None, watermark, writer.stored_until(warehouse, entry))
