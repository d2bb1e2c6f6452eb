"""A few workers side by side, handing out what they emit as one bounded stream.

The readers use it: HTTP and parsing run ahead of the consumer, but never more than a few pages, so memory
stays flat when writing is slower than reading.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
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
