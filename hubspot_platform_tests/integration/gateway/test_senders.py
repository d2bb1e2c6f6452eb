"""The sandbox sends as HubSpot, Chargebee and Jira do; the gateway takes it in, once each, whatever goes wrong."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from hubspot_platform_tests.support.gateway import GENERAL, JIRA_SECRET, USER, Running, running_gateway
from hubspot_platform_tests.support.portal import Portal, portal

SUBSCRIPTIONS = [
    {"type": "company.propertyChange", "properties": ["name", "city"]},
    {"type": "company.creation"},
    {"type": "company.deletion"},
    {"type": "company.restore"},
    {"type": "company.merge"},
    {"type": "contact.privacyDeletion"},
    {"type": "contact.deletion"},
    {"type": "deal.associationChange"},
    {"type": "object.deletion", "object_type_id": "0-48"},
]
SOON = [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    with portal("contacts=20,companies=20,deals=5,calls=5") as running:
        yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sandbox: Portal) -> Iterator[Running]:
    """A gateway the sandbox sends its changes to."""
    home = tmp_path_factory.mktemp("gateway")
    with running_gateway(home, f"sqlite:///{home / 'state.sqlite'}") as found:
        wanted = {"target": f"{found.url}{GENERAL}", "subscriptions": SUBSCRIPTIONS}
        assert len(sandbox.admin("webhooks/subscribe", wanted)["subscriptions"]) == 10  # type: ignore[index,arg-type]
        behave(sandbox, retry_seconds=SOON)
        yield found


def behave(sandbox: Portal, **wishes: object) -> dict:
    return sandbox.admin("webhooks/behave", wishes)  # type: ignore[return-value]


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again, up to 30 s."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def settled(sandbox: Portal, events: int) -> None:
    """Wait until the portal's changes made so many events and none is on its way."""

    def quiet() -> bool:
        found = sandbox.http.get("/sandbox/api/webhooks").json()
        return found["events"] >= events and found["waiting"] == 0

    wait_until(quiet)


def told(sandbox: Portal) -> int:
    return sandbox.http.get("/sandbox/api/webhooks").json()["events"]


def ids(sandbox: Portal, object_type: str) -> list[str]:
    return [record["id"] for record in sandbox.dump(object_type)]


def test_every_kind_of_change_arrives_under_its_name(sandbox: Portal, gateway: Running) -> None:
    first, second, third, *_ = ids(sandbox, "companies")
    contact, deal, call = (ids(sandbox, kind)[0] for kind in ("contacts", "deals", "calls"))
    before = told(sandbox)
    sandbox.change("companies", "update", ids=[first], properties={"name": "Zoë & Co", "phone": "not subscribed"})
    sandbox.change("companies", "create", properties={"name": "New"})
    sandbox.change("companies", "archive", ids=[first])
    sandbox.change("companies", "restore", ids=[first])
    sandbox.change("companies", "merge", primary=second, other=third)
    sandbox.change("contacts", "purge", ids=[contact])
    sandbox.change("deals", "link", id=deal, to=first, to_object="companies")
    sandbox.change("calls", "archive", ids=[call])
    settled(sandbox, before + 10)

    found = Counter(row.event_type.removeprefix("hubspot_general_webhook.") for row in gateway.rows())
    assert found["hubspot_association_changed_webhook.deal.company"] >= 1
    assert found["company.propertyChange"] >= 2
    expected = ("company.creation", "company.deletion", "company.restore", "company.merge", "call.deletion")
    assert {name: found[name] for name in expected} == dict.fromkeys(expected, 1)
    assert (found["contact.privacyDeletion"], found["contact.deletion"]) == (1, 1)
    changes = [json.loads(row.body) for row in gateway.rows() if "propertyChange" in row.event_type]
    assert {"Zoë & Co", "New"} <= {change["propertyValue"] for change in changes}
    assert {change["propertyName"] for change in changes} <= {"name", "city"}


def test_case_021_the_burst_after_an_outage_arrives_complete(sandbox: Portal, gateway: Running) -> None:
    """Held back, sent twice in any order, ten requests at a time: every change is one row."""
    companies = ids(sandbox, "companies")
    before = told(sandbox)
    behave(sandbox, hold=True, duplicates=0.5, shuffled=True)
    for number in range(30):
        sandbox.change("companies", "update", ids=companies, properties={"city": f"City {number}"})
        sandbox.clock(advance=0.001)  # two changes within one millisecond have no order
    wanted = 30 * len(companies)
    wait_until(lambda: told(sandbox) >= before + wanted)
    assert gateway.rows() == []
    behave(sandbox, hold=False, duplicates=0, shuffled=False)
    settled(sandbox, before + wanted)

    rows = gateway.rows()
    assert len(rows) == wanted
    assert sum(row.deliveries for row in rows) > wanted
    latest = {row.object_key: row for row in sorted(rows, key=lambda row: (row.source_time, row.id))}
    assert {json.loads(row.body)["propertyValue"] for row in latest.values()} == {"City 29"}


def test_case_016_hubspot_comes_again_until_the_store_is_back(sandbox: Portal, gateway: Running) -> None:
    assert gateway.gateway is not None
    before = told(sandbox)
    storing = gateway.gateway.storing
    storing._down_until = float("inf")
    sandbox.change("companies", "update", ids=ids(sandbox, "companies")[:3], properties={"city": "Later"})
    wait_until(lambda: sandbox.http.get("/sandbox/api/webhooks").json().get("answer_503", 0) >= 1)
    assert gateway.rows() == []
    storing._down_until = 0.0
    settled(sandbox, before + 3)

    assert len(gateway.rows()) == 3
    assert {json.loads(row.body)["attemptNumber"] >= 1 for row in gateway.rows()} == {True}


def test_chargebee_and_jira_send_with_their_own_proof(sandbox: Portal, gateway: Running) -> None:
    payment = {"id": "ev_7", "occurred_at": 1_767_225_600, "event_type": "customer_created", "content": {}}
    issue = {"timestamp": 1_767_225_600_000, "webhookEvent": "jira:issue_created", "issue": {"key": "BUG-1"}}
    sandbox.admin(
        "senders/chargebee", {"target": f"{gateway.url}/bi/api/PaymentEvents/", "user": USER, "documents": [payment]}
    )
    wrong = {"target": f"{gateway.url}/jira/webhooks", "secret": "wrong", "documents": [issue], "retry_seconds": SOON}
    sandbox.admin("senders/jira", wrong)
    sandbox.admin("senders/jira", wrong | {"secret": JIRA_SECRET})

    wait_until(lambda: len(gateway.rows()) == 2)
    assert {row.source for row in gateway.rows()} == {"chargebee", "jira"}
    wait_until(lambda: sandbox.http.get("/sandbox/api/senders/jira").json()["waiting"] == 0)
    answers = sandbox.http.get("/sandbox/api/senders/jira").json()
    assert (answers["answer_401"], answers["answer_200"]) == (1, 1), "Jira does not repeat what was refused"
