"""The properties people keep in HubSpot, changed there: over the gateway, the inbox and the worker into every table."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from hubspot_platform.funnel.profile_changes import record_changes
from hubspot_platform.gateway.routing import subscriptions
from hubspot_platform.hubspot.catalogue import COMPANY
from hubspot_platform.hubspot.catalogue.records import PULLED_COMPANY_PROPERTIES
from hubspot_platform.runtime import Platform
from hubspot_platform.state import topics
from hubspot_platform.workers.catalogue import queue
from hubspot_platform.workers.engine import drain
from hubspot_platform_tests.support.events import COMPANIES
from hubspot_platform_tests.support.gateway import GENERAL, running_gateway
from hubspot_platform_tests.support.platforms import platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal
from hubspot_platform_tests.support.profile import build_profile

NEW = {
    "sales_account_manager": "Ida Nord",
    "customer_success_manager": "Ole Lund",
    "chance_to_close": "high",
    "sales_qualified": "true",
    "sales_status": "won",
    "sales_next_action": "Ask for a reference",
    "cs_notes": "Wants a call\nevery Monday.",
    "cs_what_was_done": "Kick-off call",
    "churn_notes": "None",
    "churn_reason": "price",
    "chance_to_implement": "low",
    "chance_to_upgrade": "medium",
    "chance_to_churn": "low",
    "has_submitted_a_review": "true",
    "target_plan_id": "sbp-USD-1month",
    "should_delete": "false",
    "stage": "live",
    "white_label": "true",
    "health_status": "green",
    "launch_timestamp": "2026-02-03T04:05:06Z",
    "test_run_timestamp": "2026-01-02T03:04:05Z",
    "training_done": "2026-01-31",
    "is_using_sftp": "true",
    "is_using_api": "false",
    "payroll_method_type": "peo",
    "payroll_provider_external": "ADP",
    "payroll_provider_peo": "TriNet",
    "payroll_software": "gusto",
}


@dataclass
class World:
    """A portal that posts what happens to its companies, and the platform that takes it in."""

    portal: Portal
    platform: Platform

    def told(self, company: int) -> list[tuple[str, ...]]:
        """Return the fields of each event published about a company, in order."""
        read = self.platform.state().read(lambda conn: topics.read_after(conn, "company_metadata_changed", 0))
        return [tuple(event.payload["fields"]) for event in read if event.key == f"hubspot:{company}"]

    def change(self, company: int, **properties: str) -> None:
        """Change a company in the portal, wait for the webhooks of what is new, and let the worker work."""
        (now,) = [r["properties"] for r in self.portal.dump("companies") if r["id"] == str(company)]
        events = self._webhooks()["events"] + sum((now[name] or "") != value for name, value in properties.items())
        self.portal.change("companies", "update", ids=[str(company)], properties=properties)
        deadline = time.monotonic() + 30
        while (found := self._webhooks())["events"] < events or found["waiting"]:
            assert time.monotonic() < deadline, f"still on its way: {found}"
            time.sleep(0.02)
        drain(self.platform, queue(COMPANIES))

    def _webhooks(self) -> dict[str, int]:
        found: dict[str, int] = self.portal.http.get("/sandbox/api/webhooks").json()
        return found


@pytest.fixture(scope="module")
def shared_portal() -> Iterator[Portal]:
    with portal("contacts=20,companies=20,deals=5,calls=5") as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(
    request: pytest.FixtureRequest, shared_portal: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The mirror of the companies, the central rows above it, and a gateway that the portal knows."""
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else None
    home = tmp_path_factory.mktemp("home")
    with (
        platform_for(shared_portal, home, url) as platform,
        running_gateway(home / "gateway", url or platform.settings.state) as gateway,
    ):
        sync(platform, COMPANY, full=True)
        with platform.warehouse().writer() as session:
            build_profile(session)
        record_changes(platform)
        platform.warehouse().publish()
        wanted = [s for s in subscriptions({"company": PULLED_COMPANY_PROPERTIES}) if s["type"].startswith("company.")]
        shared_portal.admin("webhooks/subscribe", {"target": f"{gateway.url}{GENERAL}", "subscriptions": wanted})  # type: ignore[arg-type]
        yield World(shared_portal, platform)


def test_the_portal_has_every_pulled_property_and_customers_have_values(shared_portal: Portal) -> None:
    assert set(NEW) == set(PULLED_COMPANY_PROPERTIES)
    companies = [record["properties"] for record in shared_portal.dump("companies")]
    assert {name for name in PULLED_COMPANY_PROPERTIES if name not in companies[0]} == set()
    assert any(company["cs_notes"] for company in companies)
    assert any(company["sales_status"] for company in companies)


def test_every_pulled_property_changed_in_hubspot_reaches_the_mirror_the_profile_and_the_log(world: World) -> None:
    company = int(world.portal.dump("companies")[3]["id"])
    world.change(company, **dict.fromkeys(NEW, ""))
    before = len(world.told(company))
    world.change(company, **NEW)

    (stored,) = rows(world.platform, "select raw_json from hubspot.company where id = ?", company)
    properties = json.loads(stored["raw_json"])["properties"]
    assert {name: properties[name] for name in NEW} == NEW
    (profile,) = rows(
        world.platform, "select * from funnel.company_profile_meta_data where hubspot_company_id = ?", company
    )
    assert {name: _text(profile[name]) for name in NEW} == NEW
    log = rows(
        world.platform,
        "select field, old_value, new_value, source from funnel.company_change_log where company_id = ? "
        "order by changed_at",
        f"hubspot:{company}",
    )
    newest = {row["field"]: (row["old_value"], row["new_value"], row["source"]) for row in log}
    assert newest == {name: (None, value, "hubspot") for name, value in NEW.items()}
    assert len(world.told(company)) == before + 1
    assert set(world.told(company)[-1]) == set(NEW)


def test_a_value_that_comes_back_is_a_change_and_an_event_again(world: World) -> None:
    company = int(world.portal.dump("companies")[4]["id"])
    for value in ("green", "red", "red", "green"):
        world.change(company, health_status=value)
    log = rows(
        world.platform,
        "select new_value from funnel.company_change_log where company_id = ? and field = 'health_status' "
        "order by changed_at",
        f"hubspot:{company}",
    )
    assert [row["new_value"] for row in log[-2:]] == ["red", "green"]
    assert world.told(company)[-2:] == [("health_status",), ("health_status",)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
