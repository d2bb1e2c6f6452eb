"""What the business settings say about the mirror: what is left out, how often the rest is read, how old it may be.

Table `mirror` of the TOML file. Schedules, assets, checks and the sync engine ask it about their catalogue entry.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, AssociationTarget, ObjectType, ReferenceType

Entry = ObjectType | ReferenceType
Minutes = Annotated[int, Field(gt=0)]

_ENTRIES: Mapping[str, Entry] = {**CATALOGUE, **REFERENCES}
_OWN_CUSTOM = "custom_"


def _leaders() -> dict[str, str]:
    """Return for every job the entry it is named after: others only come along with it."""
    found: dict[str, str] = {}
    for name, entry in _ENTRIES.items():
        found.setdefault(entry.job, name)
    return found


_LEADERS = _leaders()


class MirrorSettings(BaseModel):
    """What to leave out, hours between two reads, and the age in minutes that warns and fails; by name of the object.

    `export` are the objects whose full reads go through an export of HubSpot instead of its lists.
    Without a word about an object its catalogue entry counts. Reference data that is read in the job of another entry
    follows that one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    skip: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    cadence_hours: dict[str, Literal[1, 2, 3, 4, 6, 8, 12, 24]] = Field(default_factory=dict)
    freshness_minutes: dict[str, tuple[Minutes, Minutes]] = Field(default_factory=dict)

    @field_validator("skip")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in _ENTRIES and not name.startswith(_OWN_CUSTOM):
                raise ValueError(f"unknown name {name!r}; known: {', '.join(_ENTRIES)}, custom_<name>")
        return value

    @field_validator("export")
    @classmethod
    def _an_object(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in CATALOGUE and not name.startswith(_OWN_CUSTOM):
                raise ValueError(f"unknown name {name!r}; known: {', '.join(CATALOGUE)}, custom_<name>")
        return value

    @field_validator("cadence_hours", "freshness_minutes")
    @classmethod
    def _read_by_itself(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if name not in _ENTRIES:
                raise ValueError(f"unknown name {name!r}; known: {', '.join(_LEADERS.values())}")
            leader = _LEADERS[_ENTRIES[name].job]
            if name != leader:
                raise ValueError(f"{name} is read together with {leader}: say it of that one")
        return value

    @field_validator("freshness_minutes")
    @classmethod
    def _warn_before_fail(cls, value: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (warn, fail) in value.items():
            if warn >= fail:
                raise ValueError(f"{name}: the first number, which warns, must be below the second, which fails")
        return value

    def skips(self, entry: Entry) -> bool:
        """Tell whether the entry is left out, itself or with the one it is read with."""
        return entry.name in self.skip or _LEADERS.get(entry.job) in self.skip

    def reads(self, target: AssociationTarget) -> bool:
        """Tell whether associations are read: not those with records of an object that is left out."""
        return not any(entry.plural == target.to_type and self.skips(entry) for entry in CATALOGUE.values())

    def skips_name(self, name: str) -> bool:
        """Tell whether the entry of that name is left out."""
        return name in self.skip or (name in _ENTRIES and self.skips(_ENTRIES[name]))

    def cadence(self, entry: Entry) -> timedelta:
        """Return the time between two reads of the entry."""
        hours = self.cadence_hours.get(_LEADERS.get(entry.job, entry.name))
        return entry.cadence if hours is None else timedelta(hours=hours)

    def cadence_of(self, name: str) -> timedelta | None:
        """Return the time between two reads that the settings name; None when they leave it to the catalogue."""
        entry = _ENTRIES.get(name)
        return None if entry is None or self.cadence(entry) == entry.cadence else self.cadence(entry)

    def freshness(self, entry: Entry) -> tuple[timedelta, timedelta]:
        """Return the ages of the entry's tables that warn and that fail.

        A quarter of the cadence late and one whole cadence late, unless the settings say otherwise (T01 and T02).
        """
        minutes = self.freshness_minutes.get(_LEADERS.get(entry.job, entry.name))
        if minutes is not None:
            return timedelta(minutes=minutes[0]), timedelta(minutes=minutes[1])
        cadence = self.cadence(entry)
        return cadence * 5 / 4, cadence * 2
