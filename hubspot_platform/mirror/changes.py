"""Which single changes of properties take effect: the last writer by source time, per record and property.

Pure: changes and what is stored in, verdicts out. Three things are compared: a change, the newest change that was
applied to the same property before, and the copy of the whole record the mirror read last. `change_writer` carries the
verdicts out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from hubspot_platform.hubspot.properties import PropertyDefinition


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """Property `name` of a record got a value (None: it was cleared) at HubSpot's time `occurred_at`.

    With `characters_replaced` the value held characters no database stores.
    """

    object_id: int
    name: str
    value: str | None
    occurred_at: datetime
    event_id: int = 0
    source: str | None = None
    source_id: str | None = None
    characters_replaced: bool = False

    @property
    def rank(self) -> "Rank":
        """Where the change stands among those of its property."""
        return Rank(self.occurred_at, self.event_id, self.value or "")


class Rank(NamedTuple):
    """The order of changes of one property: by time, event id, and the value itself; the highest is the last writer."""

    occurred_at: datetime
    event_id: int
    value: str


class Verdict(StrEnum):
    """What becomes of a change."""

    APPLIED = "applied"
    OLDER = "older than what is stored"
    REPEATED = "applied before"
    DELETED = "the record was deleted later"
    UNKNOWN = "the record is not in the mirror"


def is_unknown_option(definition: PropertyDefinition | None, value: str | None) -> bool:
    """Say whether a value is none of its enumeration's options; several are separated by semicolons."""
    if not value or definition is None or definition.type != "enumeration":
        return False
    if definition.external_options or not definition.options:
        return False
    chosen = value.split(";") if definition.field_type == "checkbox" else [value]
    known = {option.value for option in definition.options}
    return any(choice and choice not in known for choice in chosen)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """What the mirror knows of a record: HubSpot's updatedAt of its last copy, and when it was deleted, if it is."""

    updated_at: datetime | None
    is_deleted: bool = False
    deleted_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """A verdict for each change, the changes to apply, and the records to read again because a tie decided."""

    verdicts: tuple[Verdict, ...]
    winners: tuple[PropertyChange, ...]
    read_back: frozenset[int]


def decide(
    changes: Sequence[PropertyChange],
    records: Mapping[int, StoredRecord],
    applied: Mapping[tuple[int, str], Rank],
) -> Decision:
    """Judge the changes of some records.

    `applied` is the rank of the newest change that was applied to each property and that the record's copy does not
    include. A change from before the copy (`updated_at`) is in it already.
    """
    best: dict[tuple[int, str], PropertyChange] = {}
    tied: set[int] = set()
    ranks = [change.rank for change in changes]
    highest = dict(applied)
    for change, rank in zip(changes, ranks, strict=True):
        key = (change.object_id, change.name)
        record = records.get(change.object_id)
        if record is None or _without_effect(change, record) is not None:
            continue
        known = highest.get(key)
        if known is not None and known.occurred_at == rank.occurred_at and known.value != rank.value:
            tied.add(change.object_id)
        if known is None or rank > known:
            highest[key], best[key] = rank, change
    verdicts = []
    for change, rank in zip(changes, ranks, strict=True):
        key, record = (change.object_id, change.name), records.get(change.object_id)
        if record is None:
            verdicts.append(Verdict.UNKNOWN)
        elif (reason := _without_effect(change, record)) is not None:
            verdicts.append(reason)
        elif best.get(key) is change:
            verdicts.append(Verdict.APPLIED)
        else:
            verdicts.append(Verdict.REPEATED if highest.get(key) == rank else Verdict.OLDER)
    return Decision(tuple(verdicts), tuple(best.values()), frozenset(tied))


def _without_effect(change: PropertyChange, record: StoredRecord) -> Verdict | None:
    if record.is_deleted:
        return Verdict.DELETED
    if record.updated_at is not None and change.occurred_at <= record.updated_at:
        return Verdict.OLDER
    return None


@dataclass(frozen=True, slots=True)
class Version:
    """One row of a property's history within one instant."""

    value: str | None
    source: str | None
    source_id: str | None


def ranked_versions(
    changes: Iterable[PropertyChange], stored: Sequence[Version], applied: Rank | None
) -> list[Version]:
    """Return the versions of one property at one instant, the last one first, or [] when all are stored already.

    `stored` are those that are, in that order. A new one comes before them only when it outranks `applied`, the change
    whose value is in force; what HubSpot's own history said stays as it is.
    """
    changes = list(changes)
    if not stored and len(changes) == 1:
        return [_version(changes[0])]
    known = {version.value for version in stored}
    new: dict[str | None, PropertyChange] = {}
    for change in sorted(changes, key=lambda change: change.rank):
        if change.value not in known:
            new[change.value] = change
    if not new:
        return []
    ordered = sorted(new.values(), key=lambda change: change.rank, reverse=True)
    later = [c for c in ordered if not stored or (applied is not None and c.rank > applied)]
    earlier = [c for c in ordered if c not in later]
    return [*map(_version, later), *stored, *map(_version, earlier)]


def _version(change: PropertyChange) -> Version:
    return Version(change.value, change.source, change.source_id)
