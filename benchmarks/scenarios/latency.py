"""From a change in the portal to the published table, under Dagster with its daemon running: gateway, inbox, worker."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import children
from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform.automation.instance import prepare_instance
from hubspot_platform.cli.processes import DagsterServices, free_port, start_gateway
from hubspot_platform.gateway.routing import subscriptions
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support import portal as portals
from hubspot_platform_tests.support.gateway import GENERAL, SECRET
from hubspot_platform_tests.support.platforms import settings_for
from hubspot_platform_tests.support.portal import Portal

_HOST = "127.0.0.1"
_CHANGES = {True: 20, False: 2}
_LONGEST_PAUSE = 6.0  # seconds between a change that has arrived and the next one
_TARGET_S = 30.0
_LOST_S = 180.0
_POLL_S = 0.2


def event_to_table(bench: Bench) -> Outcome:
    """Change one company at a time at random moments and wait until the published table shows it."""
    judged = bench.scale is FULL
    dice = random.Random(bench.seed)
    with (
        portals.portal("contacts=100,companies=1000,deals=10", "--seed", str(bench.seed)) as portal,
        bench.home() as home,
        _running(bench, portal, home) as platform,
    ):
        ids = sorted(int(record["id"]) for record in portal.dump("companies", properties=["name"]))
        bench.say(f"{_CHANGES[judged]} changes under the daemon")
        taken = []
        for number in range(_CHANGES[judged]):
            taken.append(_arrival(portal, platform, dice.choice(ids), f"Town {number}"))
            time.sleep(dice.uniform(0, _LONGEST_PAUSE))
    taken.sort()
    p50, p95 = (taken[min(len(taken) - 1, int(len(taken) * share))] for share in (0.5, 0.95))
    what = f"{len(taken)} changes, daemon running: s to the published table, p50, p95, max"
    shown = f"{p50:.1f}, {p95:.1f}, {taken[-1]:.1f}"
    line = Line("event-to-table", what, shown, f"p95 < {_TARGET_S:.0f}", p95 < _TARGET_S if judged else None)
    return Outcome([line], {"seconds": taken})


@contextmanager
def _running(bench: Bench, portal: Portal, home: Path) -> Iterator[Platform]:
    """A platform that mirrors the companies, with gateway, daemon and the portal's webhooks."""
    environment = bench.environment(portal, home) | {"HUBSPOT_APP_SECRETS": SECRET}
    children.run(("sync", "companies", "--full", "--no-history", "--json"), environment, home)
    settings = settings_for(portal, home)
    prepare_instance(settings)
    with DagsterServices(settings, host=_HOST, port=0, environment=environment) as dagster:
        gateway = start_gateway(dagster, host=_HOST, port=free_port(_HOST))
        wanted = subscriptions({"company": ["city"]})
        portal.admin("webhooks/subscribe", {"target": f"{gateway}{GENERAL}", "subscriptions": wanted})
        dagster.start_daemon()
        platform = Platform(settings)
        try:
            yield platform
        finally:
            platform.close()


def _arrival(portal: Portal, platform: Platform, company: int, city: str) -> float:
    portal.change("companies", "update", ids=[company], properties={"city": city})
    began = time.monotonic()
    while (passed := time.monotonic() - began) < _LOST_S:
        with platform.warehouse().reader() as session:
            found = session.query("select property_city from hubspot.company where id = ?", [company]).to_pylist()
        if found[0]["property_city"] == city:
            return round(passed, 2)
        time.sleep(_POLL_S)
    raise RuntimeError(f"the change of company {company} is not in the table after {_LOST_S:.0f} s")
