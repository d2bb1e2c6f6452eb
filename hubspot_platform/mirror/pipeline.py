"""The way of records from the reader into the warehouse: pages are typed as they come and written in chunks.

`sync` says how to type and to write. While one chunk is written the next is read and typed, and no more than that:
memory stays flat when writing is slower than reading.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from hubspot_platform.hubspot.records import Records
from hubspot_platform.mirror.chunks import Chunk, pieces_of

CHUNK_OBJECTS = 10_000  # written in one transaction; with fewer, merges cost more, with more, they need more memory

Pages = AsyncGenerator[Records, None]


@dataclass
class Pipeline:
    """Types pages by `type_pages` in the order they come, one group of them at a time, and writes by `write`."""

    type_pages: Callable[[list[Records]], Awaitable[Chunk]]
    write: Callable[[list[asyncio.Task[Chunk]]], Awaitable[None]]
    _typing: list[asyncio.Task[Chunk]] = field(default_factory=list)
    _collected: int = 0
    _writing: asyncio.Future[None] | None = None
    _one_at_a_time: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def run(self, pages: Pages) -> None:
        """Write all pages; raises what reading, typing or writing raises."""
        try:
            async with aclosing(pages), aclosing(pieces_of(pages)) as pieces:
                async for piece in pieces:
                    self._typing.append(asyncio.create_task(self._type(piece)))
                    self._collected += sum(map(len, piece))
                    if self._collected >= CHUNK_OBJECTS:
                        await self._flush()
            await self._flush()
            if self._writing is not None:
                await self._writing
        except BaseException:
            # A chunk that has begun is finished: it is one transaction and repeating it is harmless.
            begun: list[asyncio.Future[Any]] = [*self._typing, *([self._writing] if self._writing else [])]
            await asyncio.gather(*begun, return_exceptions=True)
            raise

    async def _type(self, piece: list[Records]) -> Chunk:
        async with self._one_at_a_time:
            return await self.type_pages(piece)

    async def _flush(self) -> None:
        """Begin to write what was collected, once the chunk before is written."""
        if not self._typing:
            return
        if self._writing is not None:
            await self._writing
        typing, self._typing, self._collected = self._typing, [], 0
        self._writing = asyncio.ensure_future(self.write(typing))
