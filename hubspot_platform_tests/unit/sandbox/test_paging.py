"""Pages by opaque cursors: forwards, backwards, and over rows that come and go."""

import pytest

from hubspot_platform.sandbox.paging import START, Key, key_of, page_of, token
from hubspot_platform.sandbox.wire import ApiProblem, Call


def call(query: str = "") -> Call:
    return Call("GET", "/x", query, b"", {}, base_url="http://portal")


def key(row: int) -> Key:
    return (row,)


def test_pages_meet_without_gap_or_overlap() -> None:
    found: list[int] = []
    paging: dict = {"next": {"after": ""}}
    while "next" in paging:
        chosen, paging = page_of(call(f"after={paging['next']['after']}"), range(10), key, 3)
        found += chosen
    assert found == list(range(10))
    assert paging["prev"]["link"] == f"http://portal/x?before={token((9,)).replace('=', '%3D')}"


def test_a_cursor_holds_its_place_when_rows_come_and_go() -> None:
    first, paging = page_of(call(), [1, 3, 5, 7], key, 2)
    after = paging["next"]["after"]  # type: ignore[index]
    second, _ = page_of(call(f"after={after}"), [2, 5, 6, 7], key, 2)
    assert (list(first), list(second)) == ([1, 3], [5, 6])


def test_before_gives_the_nearest_rows_first() -> None:
    chosen, paging = page_of(call(f"before={token((6,))}"), list(range(10)), key, 2)
    assert list(chosen) == [5, 4]
    assert key_of(paging["prev"]["before"]) == (4,)  # type: ignore[index]


def test_the_start_cursor_is_the_first_page() -> None:
    assert list(page_of(call(f"after={START}"), [1, 2], key, 5)[0]) == [1, 2]


def test_links_keep_the_other_parameters() -> None:
    _, paging = page_of(call("limit=1&formTypes=all&after="), [1, 2], key, 1)
    assert paging["next"]["link"].startswith("http://portal/x?limit=1&formTypes=all&after=")  # type: ignore[index]


@pytest.mark.parametrize("cursor", ["1", "abc", "eyJhIjoxfQ==", "WyJhIl0=", "é"])
def test_cursors_never_given_out_are_refused(cursor: str) -> None:
    with pytest.raises(ApiProblem) as refusal:
        key_of(cursor)
    assert refusal.value.status == 400
