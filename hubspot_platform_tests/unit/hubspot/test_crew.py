import asyncio
from contextlib import aclosing

import pytest

from hubspot_platform.hubspot.crew import Emit, WorkList, side_by_side


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
