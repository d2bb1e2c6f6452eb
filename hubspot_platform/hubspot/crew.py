"""A few workers side by side, handing out what they emit as one bounded stream; and streams that begin early.

The readers and the sync use it: HTTP and parsing run ahead of the consumer, but never more than a few pages, so memory
stays flat when writing is slower than reading.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
Emit = Callable[[T], Awaitable[None]]


async def side_by_side(
    workers: int, work: Callable[[Emit[T]], Awaitable[None]], *, buffer: int
) -> AsyncGenerator[T, None]:
    """Run `work(emit)` `workers` times at once and yield everything emitted, in the order it came.

    `emit` waits while `buffer` items are unread. The first error of a worker stops the others and is raised;
    closing the iterator early stops them as well.
    """
    queue: asyncio.Queue[T | asyncio.Task[None]] = asyncio.Queue()
    slots = asyncio.Semaphore(buffer)

    async def emit(item: T) -> None:
        await slots.acquire()
        queue.put_nowait(item)

    async def run() -> None:
        await work(emit)

    tasks = [asyncio.create_task(run()) for _ in range(workers)]
    for task in tasks:
        task.add_done_callback(queue.put_nowait)
    running = len(tasks)
    try:
        while running:
            item = await queue.get()
            if isinstance(item, asyncio.Task):
                running -= 1
                item.result()
                continue
            slots.release()
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def begun(stream: AsyncGenerator[T, None]) -> AsyncIterator[AsyncGenerator[T, None]]:
    """Fetch the first item of a stream at once, while its consumer is still busy; yields the whole stream."""

    async def begin() -> list[T]:
        async for item in stream:
            return [item]
        return []

    first = asyncio.create_task(begin())

    async def whole() -> AsyncGenerator[T, None]:
        for item in await first:
            yield item
        async for item in stream:
            yield item

    try:
        yield whole()
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await stream.aclose()


async def followed(stream: AsyncGenerator[T, None], then: Callable[[], Awaitable[None]]) -> AsyncGenerator[T, None]:
    """Yield a stream and call `then` when it has ended, before its consumer hears of it."""
    async with aclosing(stream):
        async for item in stream:
            yield item
    await then()


class WorkList(Generic[T]):
    """Work that may make more work, shared by a crew: `take` ends when nothing is left and nobody is busy."""

    def __init__(self, first: T) -> None:
        self._items = [first]
        self._busy = 0
        self._changed = asyncio.Condition()

    async def take(self) -> T | None:
        """Return the next item, newest first; None when all work is done."""
        async with self._changed:
            while not self._items:
                if not self._busy:
                    return None
                await self._changed.wait()
            self._busy += 1
            return self._items.pop()

    async def finish(self, more: list[T]) -> None:
        """Say that a taken item is done and what it left to do."""
        async with self._changed:
            self._busy -= 1
            self._items.extend(more)
            self._changed.notify_all()
