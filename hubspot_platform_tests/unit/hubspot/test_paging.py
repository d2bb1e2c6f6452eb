"""Pages by `offset` are followed to the end, whatever their sizes, and never for ever."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.hubspot.errors import CursorLoop, MalformedResponse
from hubspot_platform.hubspot.paging import offset_pages

Item = dict[str, Any]


def collected(pages: list[dict[str, Any]]) -> list[Item]:
    """Follow pages whose offsets are their own numbers."""

    async def ask(offset: Any) -> dict[str, Any]:
        return pages[0 if offset is None else int(offset)]

    async def follow() -> list[Item]:
        return [item async for page in offset_pages(ask, "items", "GET /items") for item in page]

    return asyncio.run(follow())


@given(st.lists(st.lists(st.integers(), max_size=5), min_size=1, max_size=20))
def test_every_item_of_every_page_comes_once_empty_pages_among_them(contents: list[list[int]]) -> None:
    pages = [
        {"items": [{"n": n} for n in numbers], "hasMore": place < len(contents) - 1, "offset": str(place + 1)}
        for place, numbers in enumerate(contents)
    ]
    assert [item["n"] for item in collected(pages)] == [n for numbers in contents for n in numbers]


@given(st.integers(1, 10), st.data())
def test_case_063_an_offset_that_comes_back_ends_with_the_number_of_the_page(length: int, data: st.DataObject) -> None:
    back = data.draw(st.integers(1, length))
    pages = [{"items": [], "hasMore": True, "offset": str(place + 1)} for place in range(length)]
    pages.append({"items": [], "hasMore": True, "offset": str(back)})
    with pytest.raises(CursorLoop) as caught:
        collected(pages)
    assert caught.value.page == length + 1


def test_a_page_that_names_no_next_one_though_there_is_more_is_a_loop() -> None:
    with pytest.raises(CursorLoop):
        collected([{"items": [], "hasMore": True}])


def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(MalformedResponse, match="no items"):
        collected([{"results": []}])
