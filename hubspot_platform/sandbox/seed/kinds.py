"""The object types made on top of contacts, companies and deals: properties, maker and share of archived records.

`build` fills the portal by this table, `day` adds to it. One line here and one in `object_types` is a further type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hubspot_platform.sandbox.seed import activities, bugs, calls, companies, contacts, deals, messages, tickets
from hubspot_platform.sandbox.seed.columns import Draft, Seeded
from hubspot_platform.sandbox.seed.world import Made, World


@dataclass(frozen=True)
class Kind:
    """One type: `key` is its size key, `name` a path spelling of it."""

    key: str
    name: str
    properties: Sequence[Seeded]
    make: Callable[[Draft, World], Made]
    archived: float


KINDS: tuple[Kind, ...] = (
    Kind("tickets", "tickets", tickets.PROPERTIES, tickets.make, 0.02),
    Kind("meetings", "meetings", activities.MEETINGS, activities.make_meetings, 0.02),
    Kind("calls", "calls", calls.PROPERTIES, calls.make, 0.02),
    Kind("emails", "emails", messages.EMAILS, messages.make_emails, 0.01),
    Kind("notes", "notes", activities.NOTES, activities.make_notes, 0.02),
    Kind("tasks", "tasks", activities.TASKS, activities.make_tasks, 0.04),
    Kind("communications", "communications", messages.COMMUNICATIONS, messages.make_communications, 0.01),
    Kind("bugs", "bug", bugs.PROPERTIES, bugs.make, 0.05),
)
PROPERTIES: Mapping[str, Sequence[Seeded]] = {
    "contacts": contacts.PROPERTIES,
    "companies": companies.PROPERTIES,
    "deals": deals.PROPERTIES,
    **{kind.name: kind.properties for kind in KINDS},
}
