"""What came through a door stands in the inbox, once, routed to its queue, on both stores."""

import json
import threading

import pytest

from hubspot_platform_tests.support.gateway import GENERAL, TOKEN, Running, event

COMPANIES = "matrix.hubspot_company_webhook_events"
ISSUE = {
    "timestamp": 1_767_225_600_123,
    "webhookEvent": "jira:issue_updated",
    "issue": {"id": "10001", "key": "BUG-7", "fields": {"summary": "It breaks"}},
}
PAYMENT = {
    "id": "ev_1",
    "occurred_at": 1_767_225_600,
    "event_type": "subscription_created",
    "content": {"subscription": {"id": "sub_1", "customer_id": "cus_9"}},
}


def test_a_verified_delivery_is_stored_as_it_came(gateway: Running) -> None:
    sent = event(1, propertyValue="Zoë \u0000 𝛑", sourceId="userId:9")
    answer = gateway.deliver([sent])

    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "repeated": 0})
    (row,) = gateway.rows()
    assert json.loads(row.body) == sent
    assert (row.source, row.queue, row.status, row.route) == ("hubspot", COMPANIES, "ready", "hubspot_general")
    assert (row.event_type, row.object_key) == ("hubspot_general_webhook.company.propertyChange", "company:1")
    assert row.source_time.timestamp() == 1_767_225_600.001


def test_case_003_the_second_attempt_at_an_event_is_no_second_event(gateway: Running) -> None:
    gateway.deliver([event(1), event(2)])
    answer = gateway.deliver([event(2, attemptNumber=1), event(3)])

    assert answer.json() == {"stored": 1, "repeated": 1}
    assert [row.deliveries for row in gateway.rows()] == [1, 2, 1]


def test_case_004_one_event_id_for_other_objects_or_times_is_other_events(gateway: Running) -> None:
    gateway.deliver([event(1), event(1, objectId=2), event(1, occurredAt=1_767_225_700_000)])
    assert [row.object_key for row in gateway.rows()] == ["company:1", "company:2", "company:1"]


def test_case_012_bodies_that_are_no_array_of_events(gateway: Running) -> None:
    assert gateway.deliver(b'{"eventId":1}').json()["reason"] == "no_array"
    assert gateway.deliver(b"[" * 10_000 + b"]" * 10_000).status_code == 400
    assert gateway.deliver(b'[{"objectId":NaN}]').status_code == 400
    assert gateway.deliver(b"").status_code == 400
    empty = gateway.deliver(b"[]")
    assert (empty.status_code, empty.json()["stored"]) == (200, 0)
    assert gateway.rows() == []

    twice = json.dumps([event(1)])[:-2] + ', "propertyValue": "last"}]'
    assert gateway.deliver(twice.encode()).status_code == 200
    (row,) = gateway.rows()
    assert (json.loads(row.body)["propertyValue"], row.reason) == ("last", "a key was given twice, the last one counts")


def test_case_013_one_malformed_event_costs_its_neighbours_nothing(gateway: Running) -> None:
    events: list[object] = [event(n) for n in range(101)]
    events[50] = {"subscriptionType": "company.propertyChange", "occurredAt": 1}
    answer = gateway.deliver(events)

    assert (answer.status_code, answer.json()["stored"]) == (200, 101)
    (letter,) = [row for row in gateway.rows() if row.status == "dead"]
    assert (letter.queue, letter.reason) == ("malformed", "the id of the record is missing or wrong")
    assert gateway.deliver([event(n) for n in range(1001)]).status_code == 413


def test_case_014_events_of_another_portal_are_kept_apart(gateway: Running) -> None:
    answer = gateway.deliver([event(1), event(2, portalId=666)])

    assert answer.status_code == 200
    assert [(row.queue, row.status) for row in gateway.rows()] == [(COMPANIES, "ready"), ("foreign_portal", "dead")]


def test_case_015_a_type_nobody_wants_is_stored_and_done(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    unknown = [event(n, subscriptionType="object.propertyChange", objectTypeId="2-99887") for n in range(3)]
    assert gateway.deliver([*unknown, event(9, subscriptionType="company.somethingNew")]).status_code == 200

    rows = gateway.rows()
    assert {(row.queue, row.status) for row in rows} == {("unrouted", "done")}
    assert [row.event_type for row in rows][2:] == [
        "hubspot_general_webhook.2-99887.propertyChange",
        "hubspot_general_webhook.company.somethingNew",
    ]
    assert sum("2-99887" in record.message for record in caplog.records) <= 1


def test_case_020_parallel_copies_of_a_delivery_are_a_hundred_rows(gateway: Running) -> None:
    events = [event(n) for n in range(100)]
    statuses: list[int] = []

    def deliver(order: int) -> None:
        statuses.append(gateway.deliver(events[::order]).status_code)

    threads = [threading.Thread(target=deliver, args=(1 if n % 2 else -1,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    rows = gateway.rows()
    assert (statuses, len(rows)) == ([200] * 20, 100)
    assert {row.deliveries for row in rows} == {20}


def test_case_022_three_routes_with_one_event_are_one_row(gateway: Running) -> None:
    for path in ("/Hubspot/Webhooks/", GENERAL, "/Hubspot/ContactWebhooks/"):
        assert gateway.deliver([event(1)], path).status_code == 200
    (row,) = gateway.rows()
    assert (row.route, row.deliveries) == ("hubspot_legacy", 3)


def test_case_034_what_a_value_may_hold_is_kept_intact(gateway: Running) -> None:
    values = ["😀 \u200f\u05e2\u05d1", "a\u0000b", "x" * 70_000, '{"a":{"b":1}}', 'quote"colon":']
    gateway.deliver([event(n, propertyValue=value) for n, value in enumerate(values)])
    lone = json.dumps([event(9)]).replace("value 9", "lone \\ud800 half").encode()
    assert gateway.deliver(lone).status_code == 200

    kept = [json.loads(row.body)["propertyValue"] for row in gateway.rows()]
    assert kept == [*values, "lone \ud800 half"]


def test_an_association_is_filed_under_its_deal(gateway: Running) -> None:
    plain = {"associationRemoved": False, "changeSource": "USER"}
    spoken = event(
        1, subscriptionType="deal.associationChange", associationType="DEAL_TO_COMPANY", fromObjectId=5, **plain
    )
    spoken |= {"toObjectId": 6}
    other = event(
        2, subscriptionType="company.associationChange", associationType="COMPANY_TO_DEAL", fromObjectId=6, **plain
    )
    other |= {"toObjectId": 5}
    generic = event(
        3, subscriptionType="object.associationChange", fromObjectTypeId="0-1", toObjectTypeId="0-3", **plain
    )
    generic |= {"fromObjectId": 8, "toObjectId": 5}
    assert gateway.deliver([spoken, other, generic]).status_code == 200

    assert [(row.object_key, row.event_type, row.queue) for row in gateway.rows()] == [
        ("deal:5", "hubspot_association_changed_webhook.deal.company", "matrix.hubspot_deals_events"),
        ("deal:5", "hubspot_association_changed_webhook.deal.company", "matrix.hubspot_deals_events"),
        ("deal:5", "hubspot_association_changed_webhook.deal.contact", "matrix.hubspot_deals_events"),
    ]


def test_a_payment_event_is_stored_untouched_and_once(gateway: Running) -> None:
    document = PAYMENT | {"amount": 10.10}
    assert gateway.pay(document).json() == {"stored": 1, "repeated": 0}
    assert gateway.pay(document).json() == {"stored": 0, "repeated": 1}

    (row,) = gateway.rows()
    assert row.body == json.dumps(document)
    assert (row.queue, row.event_type) == ("matrix.payment_events", "chargebee.subscription_created")
    assert (row.object_key, row.dedupe_key) == ("customer:cus_9", "ev_1")
    assert gateway.pay({"id": "ev_2"}).status_code == 200
    assert (gateway.rows()[-1].status, gateway.rows()[-1].reason) == ("dead", "event_type is missing or wrong")


def test_an_issue_event_is_known_by_atlassians_identifier(gateway: Running) -> None:
    assert gateway.report_issue(ISSUE, "wh-1").json()["stored"] == 1
    assert gateway.report_issue(ISSUE | {"retry": 1}, "wh-1").json()["repeated"] == 1
    assert gateway.report_issue(ISSUE, "wh-2").json()["stored"] == 1

    first, _ = gateway.rows()
    assert (first.source, first.queue, first.event_type) == ("jira", "matrix.jira_hubspot_events", "jira:issue_updated")
    assert (first.object_key, first.dedupe_key) == ("issue:BUG-7", "wh-1")
    assert first.source_time.microsecond == 123_000


def test_a_topic_takes_events_with_its_payload(gateway: Running) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    path = "/events/company_usage_changed"
    document = {"event_id": "u-1", "occurred_at": "2026-01-01T00:00:00Z", "company_id": "c-7"}

    assert gateway.post(path, json.dumps(document).encode(), bearer).json() == {"stored": 1, "repeated": 0}
    (row,) = gateway.rows()
    assert (row.source, row.queue, row.event_type) == ("topic", "matrix.topic_events", "company_usage_changed")
    wrong = gateway.post(path, b'{"event_id":"u-2","company_id":7}', bearer)
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert "occurred_at" in {problem["field"] for problem in wrong.json()["problems"]}
    assert gateway.post("/events/nothing", b"{}", bearer).status_code == 404
    assert gateway.post(path, b"{}", {"Authorization": "Bearer guess"}).status_code == 401
