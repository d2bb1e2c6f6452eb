"""Any sales metric of any period on both engines: from the call to the result, opening the published copy included."""

import random
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform.metrics.answer import DIMENSIONS, SalesMetrics
from hubspot_platform.metrics.catalogue import METRICS
from hubspot_platform.warehouse import Warehouse, open_warehouse
from hubspot_platform_tests.integration.metrics.records import Call, Contact, Deal, Records, prepare
from hubspot_platform_tests.support import postgres

_SIZES = {True: (29_000, 1_000, 10_000), False: (2_900, 100, 1_000)}  # contacts, deals, calls
_RUNS = {True: 100, False: 22}
_DAYS = 730
_FIRST = date(2024, 1, 1)
_TARGET_MS = 100
_OWNERS = (None, *(str(number) for number in range(1, 9)))


def metrics(bench: Bench) -> Outcome:
    """Ask 100 times for one metric, and for all 22, over periods of a day to everything, split or not."""
    judged = bench.scale is FULL
    sizes = _SIZES[judged]
    records = _records(bench.seed, *sizes)
    outcome = Outcome()
    with ExitStack() as stack:
        home = stack.enter_context(bench.home())
        urls = {"DuckDB": f"duckdb:///{home / 'warehouse.duckdb'}"}
        if binaries := postgres.server_binaries():
            server = stack.enter_context(postgres.cluster(binaries))
            urls["PostgreSQL"] = stack.enter_context(postgres.database(server))
        for engine, url in urls.items():
            bench.say(
                f"{engine}: building the metrics of {sizes[0]:,} contacts, {sizes[1]:,} deals, {sizes[2]:,} calls"
            )
            warehouse = open_warehouse(url)
            began = time.perf_counter()
            prepare(warehouse, records)
            built = time.perf_counter() - began
            one = _samples(warehouse, bench.seed, _RUNS[judged], every=False)
            everything = _samples(warehouse, bench.seed, _RUNS[judged], every=True)
            worst = one[_place(one, 0.95)]
            what = f"{engine}: one metric, ms p50, p95, max of {len(one)}"
            met = worst < _TARGET_MS if judged else None
            outcome.lines += [
                Line("metrics", what, _shown(one), f"p95 < {_TARGET_MS}", met),
                Line("metrics", f"{engine}: all 22 at once, ms p50, p95, max", _shown(everything)),
                Line("metrics", f"{engine}: s to load the raw tables and build the metrics", f"{built:.1f}"),
            ]
            outcome.samples[engine] = {"one": one, "all": everything, "built_s": round(built, 2)}
    return outcome


def _samples(warehouse: Warehouse, seed: int, runs: int, *, every: bool) -> list[float]:
    """Return the milliseconds of each question, shortest first."""
    chance, metrics = random.Random(seed), SalesMetrics(warehouse)
    metrics.metric(_FIRST, _FIRST + timedelta(days=1))  # a warm process has parsed and imported everything
    taken = []
    for number in range(runs):
        question = _question(chance)
        names = () if every else (METRICS[number % len(METRICS)].name,)
        began = time.perf_counter()
        metrics.metric(**question, names=names)
        taken.append(round((time.perf_counter() - began) * 1000, 2))
    return sorted(taken)


def _question(chance: random.Random) -> dict[str, Any]:
    days = chance.choice([1, 7, 31, 92, 365, _DAYS])
    start = _FIRST + timedelta(days=chance.randrange(_DAYS - days + 1))
    return {
        "period_start": start,
        "period_end": start + timedelta(days=days),
        "owner_id": chance.choice([None, None, "1"]),
        "time_zone": chance.choice(["UTC", "Europe/Berlin", "America/New_York"]),
        "by": chance.choice([None, *DIMENSIONS]),
    }


def _place(taken: list[float], share: float) -> int:
    return min(len(taken) - 1, int(len(taken) * share))


def _shown(taken: list[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in (taken[_place(taken, 0.5)], taken[_place(taken, 0.95)], taken[-1]))


def _records(seed: int, contacts: int, deals: int, calls: int) -> Records:
    chance = random.Random(seed)
    first = datetime(_FIRST.year, _FIRST.month, _FIRST.day, tzinfo=UTC)
    answers = (None, "yes", "no")

    def moment() -> datetime:
        return first + timedelta(seconds=chance.randrange(_DAYS * 86_400))

    found = Records()
    for id_ in range(contacts):
        script, vsl = chance.choice([None, "A", "B"]), chance.choice([None, True, False])
        found.contacts.append(Contact(id_, moment(), chance.choice(_OWNERS), script, vsl))
    for id_ in range(deals):
        created = moment()
        found.deals.append(
            Deal(
                id_,
                created,
                created + timedelta(hours=chance.randrange(24 * 60)),
                won=chance.random() < 0.4,
                owner=chance.choice(_OWNERS),
                contacts=tuple(chance.sample(range(contacts), chance.randrange(1, 3))),
                amount=Decimal(chance.randrange(1_000_000)) / 100,
                qualified=chance.choice(answers),
                trial=chance.choice(answers),
                offer=chance.choice(answers),
                payment=chance.choice([None, "active", "churned"]),
                installments=chance.choice([None, 1, 3, 12]),
            )
        )
    for id_ in range(calls):
        disposition, contact = chance.choice(["Connected", "Busy"]), chance.choice([None, chance.randrange(contacts)])
        found.calls.append(Call(id_, moment(), chance.randrange(900_000), disposition, chance.choice(_OWNERS), contact))
    return found
