"""The checks of payments judge what is published: agreement with the biller, refused coupons and rates."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubspot_platform.checks.engine import CheckContext, Outcome, Status, run_test
from hubspot_platform.checks.table import TESTS
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.integration.payments.ledger import AS_OF, Ledger, build, coupon, plan, seconds, subscription
from hubspot_platform_tests.integration.payments.test_cash import transaction
from hubspot_platform_tests.support.received import bare_platform

OURS = tuple(test for test in TESTS if test.id in {"X16", "A17"})
SOUND = 25


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with bare_platform(tmp_path, url) as opened:
        yield opened


def judged(platform: Platform) -> dict[tuple[str, str], Outcome]:
    context = CheckContext(platform, AS_OF)
    return {(test.id, subject.table): run_test(test, context, subject) for test in OURS for subject in test.subjects}


def told(ledger: Ledger) -> Ledger:
    """Sound subscriptions, one the biller values otherwise, one it does for a known reason, two with refused terms."""
    limited = [{"coupon_id": "limited", "apply_till": seconds(AS_OF) + 1}]
    ledger.coupons(coupon("limited", percent=20, duration="limited_period"), coupon("absurd", percent=130))
    for number in range(SOUND):
        ledger.changed(subscription(f"sound-{number}", plan(9000), mrr=9000))
    ledger.changed(subscription("other", plan(9000), mrr=8000))
    ledger.changed(subscription("known", plan(9000), billing_period_unit="year", coupons=limited, mrr=750))
    ledger.changed(subscription("absurd", plan(9000), coupons=["absurd"]))
    ledger.changed(subscription("francs", plan(9000), currency_code="CHF"))
    ledger.event("payment_succeeded", transaction=transaction("in-dollars", 100))
    ledger.event("payment_succeeded", transaction=transaction("in-francs", 100, currency_code="CHF"))
    return ledger


def test_checks_of_payments_count_what_disagrees_and_what_is_refused(platform: Platform) -> None:
    assert {outcome.status for outcome in judged(platform).values()} == {Status.SKIPPED}
    build(platform.warehouse(), told(Ledger()))
    platform.warehouse().publish()

    found = judged(platform)

    total = SOUND + 4
    agreement, terms, rates = found["X16", "subscription_mrr"], *(found["A17", table] for _, table in list(found)[1:])
    assert (agreement.status, agreement.measurement.rows_failed) == (Status.FAIL, 1)
    assert agreement.message == (
        f"of {total} subscriptions 0 do not add up, 1 differ from the biller without a known reason (other)"
    )
    assert (terms.status, terms.measurement.rows_failed) == (Status.FAIL, 2)
    assert terms.message.endswith("bad_percentage (1), fx_missing (1)")
    assert (rates.status, rates.message) == (
        Status.WARN,
        "1 of 2 rows have a refused coupon or rate: fx_missing (1)",
    )


def test_a_subscription_whose_parts_do_not_make_its_mrr_is_named(platform: Platform) -> None:
    ledger = Ledger()
    for name in ("one", "two"):
        ledger.changed(subscription(name, plan(9000), mrr=9000))
    build(platform.warehouse(), ledger)
    with platform.warehouse().writer() as session:
        session.execute(
            "update payments.subscription_mrr set discount_mrr = discount_mrr + 0.02 where subscription_id = 'two'"
        )
    platform.warehouse().publish()

    outcome = judged(platform)["X16", "subscription_mrr"]

    assert (outcome.status, outcome.measurement.rows_failed) == (Status.WARN, 1)
    assert "1 do not add up" in outcome.message
    assert "(two)" in outcome.message
