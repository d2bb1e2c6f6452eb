"""Sends webhook deliveries as HubSpot does, as fast as they are answered: the load of the scenario `events`.

Run as a process of its own, so that the gateway is measured and not its sender. Prints one JSON document.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator

import aiohttp

from hubspot_platform.hubspot.signatures import delivery_headers

IN_FLIGHT = 10
_EVENT = (
    '{{"eventId":{n},"subscriptionId":7,"portalId":4242,"appId":99,"occurredAt":{at},'
    '"subscriptionType":"company.propertyChange","attemptNumber":0,"objectId":{company},'
    '"propertyName":"lifecyclestage","propertyValue":"customer {n}","changeSource":"CRM_UI","sourceId":"userId:9"}}'
)


def deliveries(first: int, events: int, size: int) -> Iterator[bytes]:
    """Yield request bodies of `size` events each, every event once."""
    for start in range(first, first + events, size):
        now = time.time_ns() // 1_000_000
        rows = (_EVENT.format(n=n, at=now + n % 7, company=1 + n % 50_000) for n in range(start, start + size))
        yield f"[{','.join(rows)}]".encode()


async def send(target: str, secret: str, bodies: Iterator[bytes], every: float) -> dict[str, object]:
    """Post every delivery once, ten at a time, one every `every` seconds at most (0: as fast as they are answered).

    Returns seconds, answers by status and latencies in ms, from the moment a delivery was due.
    """
    answers: Counter[int] = Counter()
    latencies: list[float] = []

    due = time.perf_counter()

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal due
        for body in bodies:
            started = due = due + every if every else time.perf_counter()
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            headers = delivery_headers(secret, target, body, time.time_ns() // 1_000_000)
            headers["Content-Type"] = "application/json"
            async with session.post(target, data=body, headers=headers) as answer:
                await answer.read()
            latencies.append((time.perf_counter() - started) * 1000)
            answers[answer.status] += 1

    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
        await asyncio.gather(*(work(session) for _ in range(IN_FLIGHT)))
    seconds = time.perf_counter() - began
    latencies.sort()
    shares = {name: latencies[int(len(latencies) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))}
    return {"seconds": seconds, "answers": dict(answers), **shares, "max": latencies[-1]}


def main() -> None:
    """Send what the arguments say."""
    parser = argparse.ArgumentParser(prog="benchmarks.events_load")
    parser.add_argument("target")
    parser.add_argument("secret")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--rate", type=int, default=0, help="events a second; 0 is as many as are answered")
    chosen = parser.parse_args()
    import uvloop

    bodies = deliveries(chosen.first, chosen.events, chosen.size)
    every = chosen.size / chosen.rate if chosen.rate else 0.0
    found = uvloop.run(send(chosen.target, chosen.secret, bodies, every))
    print(json.dumps({"events": chosen.events, **found}))


if __name__ == "__main__":
    main()
