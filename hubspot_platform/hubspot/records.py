"""Records as HubSpot sent them: ids beside each record's JSON text, cut out of a page without parsing it.

Making a Python object of every value is what costs a bulk reader its speed, and only the ids are needed on the way to
the mirror's chunk builder. The readers (`listing`, `search`, `batch`) hand out `Records`; the transport calls
`split_page` for pages of the list endpoint. Property history stays beside the record it came with, so that a record's
text is the same whether its history was asked for or not.
"""

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Self

import orjson

from hubspot_platform.hubspot.ranges import Span
from hubspot_platform.hubspot.retry import parse_json

Json = dict[str, Any]

HISTORY = "propertiesWithHistory"

_RESULTS = b'"results":['
_FIRST_KEY = b'{"id":"'
_NEXT_RECORD = b'},{"id":"'
_PROPERTIES = b'"properties":{'
_LIST_OF_OBJECTS = b"[{"
_NEXT_OBJECT = b'},{"'
_LONGEST_HEAD = 1_000  # bytes before the records
_HIGHEST_ID = (1 << 63) - 1
_WITH_HISTORY = b'"propertiesWithHistory":'


@dataclass(frozen=True)
class Records:
    """Some records: `ids` and, at the same places, `texts` (UTF-8 JSON objects). Iterating parses them.

    `covers` are the ids of which these are all the records there are; None when nothing is known about that.
    `histories` (UTF-8 JSON objects, property name to versions) is empty when no history was asked for. `nameless` are
    the texts of records that came without a numeric id; they are in none of the other lists.
    """

    ids: Sequence[int] = ()
    texts: Sequence[bytes] = ()
    covers: Span | None = field(default=None, compare=False)
    histories: Sequence[bytes] = ()
    nameless: Sequence[bytes] = ()

    @property
    def size(self) -> int:
        """Bytes of all texts and histories."""
        return sum(map(len, self.texts)) + sum(map(len, self.histories))

    @classmethod
    def of(cls, records: Iterable[Json]) -> Self:
        """Return parsed records as `Records`."""
        kept, ids, nameless = [], [], []
        for record in records:
            record_id = record_id_of(record)
            if record_id is None:
                nameless.append(_text(record))
            else:
                kept.append(dict(record))
                ids.append(record_id)
        found = [record.pop(HISTORY, None) for record in kept]
        histories = [_text(history or {}) for history in found] if any(h is not None for h in found) else ()
        return cls(ids, [_text(record) for record in kept], histories=histories, nameless=tuple(nameless))

    def __bool__(self) -> bool:
        return bool(self.ids or self.nameless)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Json]:
        return map(parse_json, self.texts)

    def covering(self, span: Span | None) -> "Records":
        """Return the same records, known to be all that there are in `span`."""
        return self if span == self.covers else replace(self, covers=span)

    def part(self, where: slice) -> "Records":
        """Return the records at some places, and those without an id, which have none."""
        if where == slice(0, len(self.ids)):
            return self
        histories = self.histories[where]
        return Records(self.ids[where], self.texts[where], histories=histories, nameless=self.nameless)

    def without(self, known: Container[int]) -> "Records":
        """Return the records whose ids are not `known`."""
        return self.at([place for place, record_id in enumerate(self.ids) if record_id not in known])

    def at(self, places: Sequence[int]) -> "Records":
        """Return the records at these places, and those without an id."""
        return replace(
            self,
            ids=[self.ids[place] for place in places],
            texts=[self.texts[place] for place in places],
            histories=[self.histories[place] for place in places] if self.histories else (),
        )


@dataclass(frozen=True)
class RecordPage:
    """One page: its records and the rest of the answer, without `results`. `records` is None without a list of them."""

    records: Records | None
    rest: Json


def split_page(content: bytes) -> RecordPage:
    """Return the page in an answer's body.

    What the records hold is not looked at; one without an id is among `nameless`.
    Raises ValueError for broken JSON and TypeError for JSON of another shape.
    """
    fast = _cut(content)
    return _parsed(content) if fast is None else fast


def parse_object(content: bytes) -> Json:
    """Return the JSON object in an answer's body. Raises as `split_page`."""
    page = parse_json(content)
    if not isinstance(page, dict):
        raise TypeError("the answer is not a JSON object")
    return page


def _cut(content: bytes) -> RecordPage | None:
    """Cut a compact page without history, each of whose records begins with its id; None when it is anything else.

    An unescaped quotation mark ends a string, so `{"id":"` never lies within one.
    """
    begin = content.find(_RESULTS + _FIRST_KEY, 0, _LONGEST_HEAD) + len(_RESULTS)
    end = content.rfind(b'}],"paging":{')
    if end < 0:
        end = content.rfind(b"}]")
    if begin < len(_RESULTS) or end < begin:
        return None
    starts, at = [begin], content.find(_NEXT_RECORD, begin)
    while at >= 0:
        starts.append(at + 2)
        at = content.find(_NEXT_RECORD, at + len(_NEXT_RECORD))
    texts = [content[start : following - 1] for start, following in pairwise([*starts, end + 2])]
    if not _are_records(content, content.count(b"{", begin, end), texts):
        return None
    try:
        orjson.loads(texts[-1])
        rest = orjson.loads(content[:begin] + content[end + 1 :])
        ids = [int(text[len(_FIRST_KEY) : text.index(b'"', len(_FIRST_KEY))]) for text in texts]
    except ValueError:
        return None
    if min(ids) < 0 or max(ids) > _HIGHEST_ID:
        return None
    del rest["results"]
    return RecordPage(Records(ids, texts), rest)


def _are_records(content: bytes, objects: int, texts: Sequence[bytes]) -> bool:
    """Say whether each text is a record, without its history, and not part of one or more than one.

    They are when there are no other `objects` than a record and its properties for each. Else, where there is no other
    list of objects on the page, an object inside of a record follows a colon and not, as a record does, the one before.
    """
    if objects == 2 * len(texts) and all(_PROPERTIES in text for text in texts):
        return True
    return (
        content.count(_FIRST_KEY) == len(texts)
        and content.count(_NEXT_OBJECT) == len(texts) - 1
        and content.count(_LIST_OF_OBJECTS) == 1
        and _WITH_HISTORY not in content
    )


def _parsed(content: bytes) -> RecordPage:
    page = parse_object(content)
    results = page.pop("results", None)
    return RecordPage(Records.of(results) if isinstance(results, list) else None, page)


def record_id_of(record: Any) -> int | None:
    """Return the id of a record as HubSpot sends it; None when it has none that is a 64-bit number."""
    found = record.get("id") if isinstance(record, dict) else None
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and int(text) <= _HIGHEST_ID else None


def _text(record: Any) -> bytes:
    try:
        return orjson.dumps(record)
    except TypeError:  # a lone surrogate, which UTF-8 has no bytes for
        return json.dumps(record, separators=(",", ":")).encode()
