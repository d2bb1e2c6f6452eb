"""MRR of a million subscriptions on an embedded warehouse: from the biller's events to subscriptions and companies."""

from benchmarks import children
from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform.landing.contract import landed_table
from hubspot_platform.payments.tables import PAYMENT_EVENTS
from hubspot_platform.warehouse import Session, open_warehouse

SUBSCRIPTIONS = {True: (100_000, 1_000_000), False: (10_000,)}
MEMORY = "2GB"
_TARGET_SECONDS = 60


def mrr(bench: Bench) -> Outcome:
    """Build every model between the events and company_mrr, once each, for growing numbers of subscriptions."""
    judged = bench.scale is FULL
    outcome = Outcome()
    for subscriptions in SUBSCRIPTIONS[judged]:
        with bench.home() as home:
            url = f"duckdb:///{home / 'warehouse.duckdb'}"
            bench.say(f"making {subscriptions:,} subscriptions")
            with open_warehouse(url, memory_limit=MEMORY).writer() as session:
                fill(session, subscriptions)
            bench.say("building MRR")
            environment = children.environment_for({}, home / "compiled")
            measured = children.run([url, MEMORY], environment, home / "run", module="benchmarks.revenue")
        seconds = sum(measured.document["seconds"].values())
        is_largest = judged and subscriptions == max(SUBSCRIPTIONS[True])
        met = seconds < _TARGET_SECONDS if is_largest else None
        name = f"{subscriptions:,} subscriptions"
        outcome.lines += [
            Line("mrr", f"{name}: seconds", f"{seconds:.1f}", f"< {_TARGET_SECONDS}", met),
            Line("mrr", f"{name}: CPU s, peak RSS MiB", f"{measured.cpu:.1f}, {measured.peak_rss:,.0f}"),
            Line("mrr", f"{name}: steps of the audit trail", f"{measured.document['rows']['mrr_step']:,}"),
        ]
        outcome.samples[str(subscriptions)] = {**measured.as_json(), **measured.document}
    return outcome


def fill(session: Session, subscriptions: int) -> None:
    """One event each: a third with seats, a seventh with a bundle, a fifth with a coupon, a sixth in euro."""
    session.ensure(PAYMENT_EVENTS)
    for name in ("product.exchange_rate", "product.company"):
        session.ensure(landed_table(name))
    for statement in _FILL:
        session.execute(statement.format(subscriptions=subscriptions))


_EVENT = "insert into payments.payment_events (event_id, event_type, occurred_at, received_at, customer_id, content) "
_SENT = "timestamptz '2026-03-15 12:00:00+00'"
_FILL = (
    """insert into product.exchange_rate (currency, rate_date, usd_per_unit)
    values ('EUR', date '2026-03-31', 1.08)""",
    f"""{_EVENT} select 'coupon-' || i, 'coupon_created', {_SENT}, {_SENT}, null, json_object('coupon', json_object(
        'id', 'coupon-' || i, 'resource_version', 1, 'duration_type', 'forever',
        'discount_type', if(i % 2 = 0, 'percentage', 'fixed_amount'), 'discount_percentage', 5 + i,
        'discount_amount', 500 + i, 'apply_on', if(i % 4 < 2, 'invoice_amount', 'each_specified_item')))
    from range(20) as t(i)""",
    f"""{_EVENT} select 'event-' || i, 'subscription_created', {_SENT}, {_SENT}, 'customer-' || (i // 2), json_object(
        'subscription', json_object(
            'id', 'subscription-' || i, 'customer_id', 'customer-' || (i // 2), 'status', 'active',
            'currency_code', if(i % 6 = 0, 'EUR', 'USD'), 'billing_period', 1, 'object', 'subscription',
            'billing_period_unit', if(i % 4 = 0, 'year', 'month'), 'created_at', 1773576000, 'started_at', 1773576000,
            'activated_at', 1773576000, 'resource_version', 1773576000000 + i, 'cf_company_id', 'company-' || (i // 2),
            'subscription_items', list_filter([
                json_object('item_price_id', 'standard-plan', 'item_type', 'plan', 'quantity', 1,
                    'unit_price', 4500 + i % 9000),
                if(i % 3 = 0, json_object('item_price_id', 'seats', 'item_type', 'addon', 'quantity', i % 40,
                    'unit_price', 2500), null),
                if(i % 7 = 0, json_object('item_price_id', 'hr-bundle', 'item_type', 'addon', 'quantity', 1,
                    'unit_price', 3000), null)], lambda line: line is not null),
            'coupons', if(i % 5 = 0, [json_object('coupon_id', 'coupon-' || (i // 5 % 20))], [])),
        'customer', json_object('id', 'customer-' || (i // 2), 'resource_version', 1773576000000, 'object', 'customer'))
    from range({{subscriptions}}) as t(i)""",
)
