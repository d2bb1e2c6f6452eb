"""Marketing forms and what people submitted with them.

A form is kept as the document the API shows. Its seeded submissions are made at the first look; later ones are added by
the admin API. `handlers.forms` is the reader.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hubspot_platform.sandbox.clock import iso

Document = dict[str, object]


class Submission(NamedTuple):
    """One submission: when, its number within the form, its id, where, and the fields as (name, value)."""

    submitted_ms: int
    number: int
    conversion_id: str
    page_url: str
    values: tuple[tuple[str, str], ...]


@dataclass
class Form:
    """One form; `content` is everything of its document that a create or update body sets."""

    id: str
    content: Document
    created_ms: int
    updated_ms: int
    archived_ms: int | None = None
    seeded: Callable[[], Sequence[Submission]] = list
    _submissions: list[Submission] | None = None

    def as_json(self) -> Document:
        """Return the form as the API shows it."""
        document: Document = {
            "id": self.id,
            **self.content,
            "createdAt": iso(self.created_ms),
            "updatedAt": iso(self.updated_ms),
            "archived": self.archived_ms is not None,
        }
        if self.archived_ms is not None:
            document["archivedAt"] = iso(self.archived_ms)
        return document

    def change(self, content: Mapping[str, object], at_ms: int) -> None:
        """Set parts of the form."""
        self.content |= content
        self.updated_ms = at_ms

    def submissions(self) -> list[Submission]:
        """Return the submissions, newest first."""
        if self._submissions is None:
            self._submissions = sorted(self.seeded(), reverse=True)
        return self._submissions

    def submit(self, submission: Submission) -> None:
        """Add a submission."""
        self.submissions().append(submission)
        self.submissions().sort(reverse=True)


@dataclass
class Forms:
    """Every form of the portal by id, archived ones included."""

    by_id: dict[str, Form] = field(default_factory=dict)

    def listed(self, *, archived: bool = False) -> list[Form]:
        """Return the live or the archived forms."""
        return [f for f in self.by_id.values() if (f.archived_ms is not None) is archived]

    def put(self, form: Form) -> Form:
        """Add a form."""
        self.by_id[form.id] = form
        return form
