import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from hubspot_platform.hubspot.crew import Emit, WorkList, begun, followed, side_by_side


async def test_everything_emitted_is_handed_out_before_the_stream_ends() -> None:
    todo = list(range(100))

    async def work(emit: Emit[int]) -> None:
        while todo:
            await emit(todo.pop())

    assert sorted([n async for n in side_by_side(4, work, buffer=3)]) == list(range(100))


async def test_workers_wait_for_a_slow_consumer() -> None:
    made = 0

    async def work(emit: Emit[int]) -> None:
        nonlocal made
        for _ in range(50):
            made += 1
            await emit(made)

    async with aclosing(side_by_side(2, work, buffer=4)) as stream:
        async for taken in stream:
            for _ in range(20):
                await asyncio.sleep(0)
            assert made <= taken + 4 + 2
    assert made == 100


async def test_the_first_error_stops_the_others_and_is_raised() -> None:
    stopped = asyncio.Event()
    started = asyncio.Event()
    numbers = iter(range(2))

    async def work(emit: Emit[int]) -> None:
        if next(numbers) == 0:
            await started.wait()
            raise ValueError("broken page")
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    with pytest.raises(ValueError, match="broken page"):
        async for _ in side_by_side(2, work, buffer=1):
            pass
    assert stopped.is_set()


async def test_closing_the_stream_early_stops_the_workers() -> None:
    async def work(emit: Emit[int]) -> None:
        while True:
            await emit(1)

    before = asyncio.all_tasks()
    stream = side_by_side(3, work, buffer=2)
    assert await anext(stream) == 1
    await stream.aclose()
    assert asyncio.all_tasks() == before


async def test_work_that_makes_more_work_is_done_before_anybody_goes_home() -> None:
    todo = WorkList(8)
    done: list[int] = []

    async def work(emit: Emit[int]) -> None:
        while (item := await todo.take()) is not None:
            await asyncio.sleep(0)
            await emit(item)
            await todo.finish([item // 2, item // 2] if item > 1 else [])

    done = [item async for item in side_by_side(3, work, buffer=2)]
    assert sorted(done) == [1] * 8 + [2] * 4 + [4] * 2 + [8]


async def test_a_stream_that_is_begun_fetches_one_item_before_anybody_asks_and_loses_none() -> None:
    fetched: list[int] = []

    async def numbers() -> AsyncGenerator[int, None]:
        for number in range(3):
            fetched.append(number)
            yield number

    async with begun(numbers()) as stream:
        for _ in range(5):
            await asyncio.sleep(0)
        assert fetched == [0]
        assert [number async for number in stream] == [0, 1, 2]


async def test_a_stream_that_is_begun_and_never_read_is_closed_and_its_error_is_nobodys() -> None:
    closed = asyncio.Event()
    started = asyncio.Event()

    async def waits() -> AsyncGenerator[int, None]:
        try:
            started.set()
            await asyncio.Event().wait()
            yield 1
        finally:
            closed.set()

    async def fails() -> AsyncGenerator[int, None]:
        raise ValueError("broken page")
        yield 1

    async with begun(waits()), begun(fails()):
        await started.wait()
    assert closed.is_set()
    with pytest.raises(ValueError, match="broken page"):
        async with begun(fails()) as stream:
            await anext(stream)


async def test_what_follows_a_stream_is_called_when_it_has_ended_and_not_when_it_breaks() -> None:
    heard: list[str] = []

    async def pages(*, broken: bool) -> AsyncGenerator[str, None]:
        yield "page"
        if broken:
            raise ValueError("broken page")

    async def then() -> None:
        heard.append("ended")

    assert [page async for page in followed(pages(broken=False), then)] == ["page"]
    assert heard == ["ended"]
    with pytest.raises(ValueError, match="broken page"):
        [page async for page in followed(pages(broken=True), then)]
    assert heard == ["ended"]
