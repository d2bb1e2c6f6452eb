"""Records are cut out of a page unparsed, and whatever cannot be cut is parsed with the same result."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.hubspot.records import RecordPage, Records, split_page

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['},{"id":"', '{"id":"', '"results":[', '}],"paging":{', "}]}", "\\", '"', "\\u0000"]
)
VALUES = st.none() | TEXTS | st.integers(-(2**53), 2**53) | st.booleans()
NESTED = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
NESTED_IDS = st.sampled_from([[{"id": "5"}, {"id": "6"}], [{"a": 1}, {"id": "5"}], {"id": "7"}])
EXTRAS = st.dictionaries(TEXTS.filter(lambda key: key not in {"id", "properties"}), NESTED | NESTED_IDS, max_size=3)
PAGINGS = st.none() | st.fixed_dictionaries({"next": st.fixed_dictionaries({"after": TEXTS})})


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    ids = draw(st.lists(st.integers(1, 10**12), max_size=5))
    records = [
        {"id": str(record_id), "properties": draw(st.dictionaries(TEXTS, VALUES, max_size=4)), **draw(EXTRAS)}
        for record_id in ids
    ]
    paging = draw(PAGINGS)
    before: dict[str, Any] = {"total": draw(st.integers(0, 10**6))} if draw(st.booleans()) else {}
    return {**before, "results": records, **({"paging": paging} if paging is not None else {})}


def read(content: bytes) -> tuple[list[int], list[dict[str, Any]], dict[str, Any]]:
    page = split_page(content)
    assert page.records is not None
    return list(page.records.ids), list(page.records), page.rest


@given(pages(), st.booleans())
def test_a_page_gives_what_parsing_it_gives(page: dict[str, Any], compact: bool) -> None:
    content = orjson.dumps(page) if compact else json.dumps(page).encode()
    ids, records, rest = read(content)
    assert records == page["results"]
    assert ids == [int(record["id"]) for record in page["results"]]
    assert rest == {key: value for key, value in page.items() if key != "results"}


def test_a_record_keeps_the_very_bytes_hubspot_sent() -> None:
    first, second = b'{"id":"1","properties":{"a":"\\u00e9"}}', '{"id":"2","properties":{"a":"é"}}'.encode()
    page = split_page(b'{"results":[' + first + b"," + second + b'],"paging":{"next":{"after":"2"}}}')
    assert page.records is not None
    assert list(page.records.texts) == [first, second]
    assert page.records.size == len(first) + len(second)


def test_an_empty_page_has_no_records_and_one_without_results_has_none() -> None:
    assert split_page(b'{"results":[]}') == RecordPage(Records([], []), {})
    assert split_page(b'{"message":"no"}') == RecordPage(None, {"message": "no"})


@pytest.mark.parametrize("content", [b"", b'{"results":[{"id":"1","properties":{}},{"id":"2","prop', b'{"results":['])
def test_a_truncated_page_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        split_page(content)


def test_a_page_of_another_shape_is_refused_as_such() -> None:
    with pytest.raises(TypeError):
        split_page(b"[]")


@pytest.mark.parametrize(
    "broken",
    [
        b'{"properties":{}}',
        b'{"properties":{},"archived":false}',
        b'{"id":"x","properties":{}}',
        b'{"id":"-5"}',
        b'{"id":"99999999999999999999"}',
        b'{"id":null}',
        b'{"id":true}',
        b'"text"',
        b"null",
        b"[]",
    ],
)
def test_a_record_without_a_numeric_id_is_set_aside_and_its_neighbours_stay(broken: bytes) -> None:
    page = split_page(
        b'{"results":[{"id":"1","properties":{}},' + broken + b',{"id":"7","properties":{}}],"paging":{}}'
    )
    assert page.records is not None
    assert (list(page.records.ids), list(page.records.nameless)) == ([1, 7], [broken])
    assert page.records
    assert list(page.records.without({1}).nameless) == [broken]
    assert not Records([], [], nameless=[])


def test_parts_and_unseen_records_keep_ids_and_texts_together() -> None:
    records = Records.of([{"id": "1"}, {"id": "2"}, {"id": "3"}])
    assert records.part(slice(0, 3)) is records
    assert records.part(slice(1, 2)) == Records.of([{"id": "2"}])
    assert list(records.without({2})) == [{"id": "1"}, {"id": "3"}]
