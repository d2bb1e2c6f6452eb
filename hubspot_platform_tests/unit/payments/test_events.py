"""What a row of `payments.payment_events` is made of."""

import json
from typing import Any

import orjson
import pytest

from hubspot_platform.payments.events import NoPaymentEvent, PaymentEvent, payment_event
from hubspot_platform_tests.support.received import payment, subscription


def read(event_type: str, **content: Any) -> PaymentEvent:
    return payment_event(orjson.dumps(payment(1, event_type, **content)))


SUBSCRIPTION = subscription(version=5)
CUSTOMER = {"id": "c1", "resource_version": 9}
INVOICE = {"id": "in_1", "subscription_id": "s1", "customer_id": "c1", "resource_version": 7}
TRANSACTION = {"id": "txn_1", "subscription_id": "s1", "customer_id": "c1", "resource_version": 8}


@pytest.mark.parametrize(
    ("event_type", "content", "expected"),
    [
        ("subscription_changed", {"subscription": SUBSCRIPTION, "customer": CUSTOMER}, ("subscription", "s1", 5)),
        ("mrr_updated", {"subscription": SUBSCRIPTION}, ("subscription", "s1", 5)),
        ("payment_failed", {"transaction": TRANSACTION, "invoice": INVOICE}, ("transaction", "txn_1", 8)),
        ("payment_source_added", {"customer": CUSTOMER, "payment_source": {"id": "p"}}, ("payment_source", "p", None)),
        ("invoice_updated", {"invoice": INVOICE}, ("invoice", "in_1", 7)),
        ("never_seen", {"zebra": {"id": 4}, "customer": CUSTOMER}, ("customer", "c1", 9)),
        ("never_seen", {}, ("subscription", "s1", 1)),
    ],
)
def test_the_version_is_that_of_the_resource_the_event_is_about(
    event_type: str, content: dict, expected: tuple[str, str, int | None]
) -> None:
    event = read(event_type, **content)
    assert (event.resource_type, event.resource_id, event.row["resource_version"]) == expected


def test_ids_come_from_the_resources_or_from_what_refers_to_them() -> None:
    row = read("payment_succeeded", transaction=TRANSACTION, invoice=INVOICE).row
    ids = [row[f"{name}_id"] for name in ("subscription", "customer", "invoice", "transaction")]
    assert ids == ["s1", "c1", "in_1", "txn_1"]


@pytest.mark.parametrize("version", ["5", 5])
def test_a_version_written_as_text_counts(version: object) -> None:
    row = read("subscription_changed", subscription={**SUBSCRIPTION, "resource_version": version}).row
    assert row["resource_version"] == 5


@pytest.mark.parametrize("version", [None, "five", -1, True, 2**63, 1.5, "9" * 5_000])
def test_a_version_that_is_none_is_null(version: object) -> None:
    row = read("subscription_changed", subscription={**SUBSCRIPTION, "resource_version": version}).row
    assert row["resource_version"] is None


@pytest.mark.parametrize("identity", ["x" * 201, "a\nb", {"id": 1}, [], True, " "])
def test_an_id_that_is_none_leaves_the_event_under_its_own(identity: object) -> None:
    event = read("coupon_created", coupon={"id": identity})
    assert event.resource_id == "ev_1"
    assert [each.resource_id for each in event.happenings()] == ["ev_1", "ev_1"]


def test_numbers_too_large_for_64_bits_and_lone_surrogates_are_kept() -> None:
    body = b'{"id": "ev_1", "event_type": "x", "occurred_at": 5, "content": {"coupon": {"id": "c", "big": '
    row = payment_event(body + rb'123456789012345678901234567890, "text": "\ud800"}}}').row
    assert json.loads(row["content"]) == {
        "coupon": {"id": "c", "big": 123456789012345678901234567890, "text": "\ufffd"}
    }


def test_only_invoices_and_credit_notes_are_told_to_invoice_tracking() -> None:
    def topics(event: PaymentEvent) -> list[str]:
        return [each.topic for each in event.happenings()]

    assert topics(read("subscription_changed"))[:2] == ["payments_webhook", "generic_db_data"]
    assert topics(read("credit_note_created", credit_note={"id": "cn"}))[2:] == ["invoice_tracking"]
    assert topics(read("invoice_updated", invoice=INVOICE))[2:] == ["invoice_tracking"]


@pytest.mark.parametrize(
    ("customer", "company"), [({"id": "cust_1", "cf_company_id": "c-7"}, "c-7"), ({"id": "cust_1"}, "cust_1")]
)
def test_what_happens_to_a_subscription_is_told_with_its_company(customer: dict, company: str) -> None:
    (told,) = read("subscription_activated", subscription={"id": "sub_1"}, customer=customer).happenings()[2:]
    assert (told.topic, told.key) == ("new_subscription_event", company)
    assert not read("subscription_pause_scheduled", subscription={"id": "sub_1"}, customer=customer).happenings()[2:]
    assert not read("mrr_updated", subscription={"id": "sub_1"}, customer=customer).happenings()[2:]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": " "}, "id"),
        ({"event_type": None}, "event_type"),
        ({"occurred_at": -1}, "occurred_at"),
        ({"occurred_at": 10**12}, "occurred_at"),
        ({"content": []}, "content"),
    ],
)
def test_a_document_without_a_part_is_refused_by_its_name(change: dict, named: str) -> None:
    with pytest.raises(NoPaymentEvent, match=named):
        payment_event(orjson.dumps({**payment(1), **change}))
