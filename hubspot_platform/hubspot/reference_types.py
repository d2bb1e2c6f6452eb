"""What every entry of the catalogue says for its schedule, and the shape of entries that are no CRM object.

The catalogue's modules are written with these; how each kind of reference data is read is in `mirror/reference`.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, eq=False, kw_only=True)
class Scheduled:
    """What a schedule needs of an entry; `minute` is the minute of the hour at which it fires."""

    job: str
    cadence: timedelta
    minute: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ReferenceType(Scheduled):
    """A kind of data without search windows of its own, and the tables it fills."""

    name: str
    label: str
    tables: tuple[str, ...]
