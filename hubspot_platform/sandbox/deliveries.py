"""Bringing messages to somebody else's endpoint as other systems do: some at a time, again and again after a failure.

The senders of HubSpot's, Chargebee's and Jira's webhooks each have one; only schedule and headers differ.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

TIMEOUT_SECONDS = 5.0

Attempt = Callable[[int], tuple[bytes, Mapping[str, str]]]
"""Makes body and headers of an attempt, counted from 0: signatures carry the time, HubSpot counts inside the body."""


@dataclass(frozen=True)
class Message:
    """One request to make; `size` is the number of events in it."""

    target: str
    size: int
    attempt: Attempt


@dataclass
class Schedule:
    """How often a failed message is tried again, and after how many seconds each time (±25 %).

    `refused` says which answers bring it back; no answer in time always does.
    """

    waits: Sequence[float]
    refused: Callable[[int], bool] = lambda status: not 200 <= status < 300


class Deliveries:
    """Messages on their way. Lives in the server's event loop; counts what became of them."""

    def __init__(self, schedule: Schedule, concurrency: int, seed: int = 1) -> None:
        self.schedule = schedule
        self.counts: Counter[str] = Counter()
        self.waiting = 0
        self.held = False
        self._kept: list[Message] = []
        self._random = random.Random(seed)
        self._gate = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def limit(self, concurrency: int) -> None:
        """Allow so many requests in flight from now on."""
        self._gate = asyncio.Semaphore(concurrency)

    def post(self, message: Message) -> None:
        """Send a message as soon as its turn comes; keeps it while deliveries are held."""
        self.waiting += 1
        if self.held:
            self._kept.append(message)
            return
        task = asyncio.get_running_loop().create_task(self._deliver(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hold(self, *, held: bool) -> None:
        """Keep messages back, or let all that were kept go at once: the burst after an outage."""
        self.held = held
        kept, self._kept = ([], self._kept) if held else (self._kept, [])
        self.waiting -= len(kept)
        for message in kept:
            self.post(message)

    def as_json(self) -> dict[str, object]:
        """Return what became of the messages: answers by status, retries, given up, and how many are on their way."""
        return {"waiting": self.waiting, "held": self.held, **self.counts}

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def once(self, message: Message) -> int | str:
        """Try a message once and return the answer's status, or what failed."""
        return await self._try(message, 0)

    async def _deliver(self, message: Message) -> None:
        try:
            for number in range(len(self.schedule.waits) + 1):
                if number:
                    wait = self.schedule.waits[number - 1]
                    await asyncio.sleep(wait * self._random.uniform(0.75, 1.25))
                    self.counts["retries"] += 1
                async with self._gate:
                    answer = await self._try(message, number)
                self.counts[f"answer_{answer}"] += 1
                if isinstance(answer, int) and not self.schedule.refused(answer):
                    self.counts["delivered"] += 1
                    self.counts["events_delivered"] += message.size
                    return
            self.counts["given_up"] += 1
        finally:
            self.waiting -= 1

    async def _try(self, message: Message, number: int) -> int | str:
        body, headers = message.attempt(number)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        try:
            async with self._session.post(message.target, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (TimeoutError, aiohttp.ClientError) as error:
            return type(error).__name__
