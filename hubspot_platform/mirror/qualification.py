"""Who is qualified for a sales meeting: the members of the configured lists, told to the platform when that changes.

Called by the asset `hubspot/contact_qualification` of job `check_qualification_list_membership`. It asks the mirror,
not HubSpot, and publishes one `chilipiper_qualification` event a change, however often a run is killed or repeated.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from hubspot_platform.commit_points import reached
from hubspot_platform.mirror.reference.lists import CONTACT_LIST_MEMBER
from hubspot_platform.mirror.reference.rows import columns
from hubspot_platform.mirror.tables import SCHEMA
from hubspot_platform.runtime import Platform
from hubspot_platform.state import Store, database_now, topics
from hubspot_platform.state.topics import Event
from hubspot_platform.warehouse import Session
from hubspot_platform.warehouse.model import Table

TOPIC = "chilipiper_qualification"

CONTACT_QUALIFICATION = Table(
    SCHEMA,
    "contact_qualification",
    columns(
        "contact_id:int qualified:bool list_ids:json version:int changed_at:timestamp",
        qualified="member of at least one of the configured lists",
        list_ids="the configured lists the contact was in when that changed",
        version="how often it changed",
    ),
    key=("contact_id",),
    description="Contacts that are or were in one of the lists of qualification_lists, and since when; empty while no "
    "list is configured.",
)


class Qualification(BaseModel):
    """A contact became qualified or stopped being it; `version` counts the changes of one contact from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contact_id: int
    qualified: bool
    list_ids: tuple[int, ...]
    version: int
    changed_at: datetime

    @property
    def dedupe_key(self) -> str:
        """What makes this change one event."""
        return f"{TOPIC}:{self.contact_id}:{self.version}"

    def event(self) -> Event:
        """Return the event for the topic."""
        return Event(TOPIC, str(self.contact_id), self.model_dump(mode="json"), self.dedupe_key)


@dataclass(frozen=True)
class QualificationReport:
    """One check: contacts qualified now, changes found, and events published (those a killed run left over too)."""

    qualified: int
    changed: int
    published: int


def check_qualification(platform: Platform) -> QualificationReport:
    """Compare the lists' members with what was known, keep and publish the differences."""
    warehouse, store = platform.warehouse(), platform.state()
    with warehouse.writer() as session:
        session.ensure(CONTACT_QUALIFICATION)
        members, known = _members(session, platform.business.qualification_lists), _known(session)
    # A killed run may have stored changes without publishing them.
    published = _publish(store, [entry.dedupe_key for entry in known.values()])
    changes = qualification_changes(members, known, platform.clock())
    if changes:
        events = [change.event() for change in changes]
        store.write(lambda conn: topics.prepare(conn, events, database_now(conn)))
        reached("sync.before_merge")
        with warehouse.writer() as session:
            session.merge(CONTACT_QUALIFICATION, _rows(changes))
        reached("sync.chunk_merged")
        published += _publish(store, [change.dedupe_key for change in changes])
    warehouse.publish()
    return QualificationReport(len(members), len(changes), published)


def qualification_changes(
    members: Mapping[int, Sequence[int]], known: Mapping[int, Qualification], now: datetime
) -> list[Qualification]:
    """Return who became qualified and who stopped being it; `members` is contact id → the lists it is in."""
    changes = []
    for contact_id in sorted({*members, *known}):
        before, lists = known.get(contact_id), tuple(sorted(members.get(contact_id, ())))
        if bool(lists) is not (before is not None and before.qualified):
            changes.append(
                Qualification(
                    contact_id=contact_id,
                    qualified=bool(lists),
                    list_ids=lists,
                    version=(before.version if before else 0) + 1,
                    changed_at=now,
                )
            )
    return changes


def _members(session: Session, lists: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    if lists and session.columns(CONTACT_LIST_MEMBER):
        marks = ", ".join("?" * len(lists))
        sql = (
            f"select contact_id, contact_list_id from {CONTACT_LIST_MEMBER.qualified} "
            f"where not _fivetran_deleted and contact_list_id in ({marks})"
        )
        for row in session.query(sql, lists).to_pylist():
            found.setdefault(row["contact_id"], []).append(row["contact_list_id"])
    return found


def _known(session: Session) -> dict[int, Qualification]:
    rows = session.query(f"select * from {CONTACT_QUALIFICATION.qualified}").to_pylist()
    return {row["contact_id"]: Qualification(**{**row, "list_ids": json.loads(row["list_ids"])}) for row in rows}


def _rows(changes: Sequence[Qualification]) -> pa.Table:
    rows = [{**change.model_dump(), "list_ids": json.dumps(change.list_ids)} for change in changes]
    return pa.Table.from_pylist(rows, schema=CONTACT_QUALIFICATION.arrow_schema())


def _publish(store: Store, keys: Sequence[str]) -> int:
    if not keys:
        return 0
    return store.write(lambda conn: topics.publish(conn, TOPIC, keys, database_now(conn)))
