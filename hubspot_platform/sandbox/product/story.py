"""One subscription's life as Chargebee's events tell it: trial, renewals, changes, payments that fail, its end.

Called by `billing.py` for each subscription. Resources are whole copies; `resource_version` grows with each.
"""

import random
from collections.abc import Iterator
from typing import Any

from hubspot_platform.sandbox.product.prices import (
    ADDONS,
    COUPONS,
    CURRENCY_OF,
    MONTHLY_USD,
    PERIODS,
    RARE_CURRENCIES,
    REFUSED,
    Coupon,
    item,
    line_total,
    minor,
    monthly,
    tiered,
)
from hubspot_platform.sandbox.product.world import Account, World
from hubspot_platform.sandbox.seed.columns import DAY_MS

Event = dict[str, Any]
Told = tuple[str, int, dict[str, Any]]
TRIAL_MS = 14 * DAY_MS
HOUR_MS = 3_600_000
ONE_IN = 40  # subscriptions whose last payment nobody expects any more, and as many where it is still tried
RARE = 0.005  # few, since two of the rare currencies have no usable rate and a company should mostly have its figures
CHANGES, FAILURES, PAUSES, REFUNDS, COMES_BACK = 0.05, 0.04, 0.04, 0.01, 0.2


class Story:
    """The life of subscription `number` of an account; a second one begins later and is small."""

    def __init__(self, world: World, account: Account, number: int, *, second: bool) -> None:
        self.rng = random.Random(f"{world.seed}:product:story:{account.company_id}:{second}")
        self.base_ms = world.base_ms
        self.account = account
        self.number = number
        self.invoices = 0
        self.currency = self._currency()
        self.period = self.rng.choices([p for _, p in PERIODS], [weight for weight, _ in PERIODS])[0]
        if number <= len(PERIODS):
            self.period = PERIODS[number - 1][1]
        start = account.first_paid_ms or max(account.signup_ms or 0, world.base_ms - 10 * DAY_MS) + TRIAL_MS
        self.start_ms = min(start + (60 * DAY_MS if second else 0), world.base_ms - HOUR_MS if account.pays else start)
        self.end_ms = account.churned_ms
        if self.end_ms is not None and self.start_ms >= self.end_ms:
            self.start_ms = self.end_ms - 30 * DAY_MS
        self.customer = {
            "id": f"cus_{account.company_id}",
            "company": account.name,
            "email": account.users[0].email if account.users else None,
            "cf_company_id": account.company_id,
            "preferred_currency_code": self.currency,
            "object": "customer",
        }
        self.subscription = self._subscription("sbp" if second else account.plan or "sbp")

    def _currency(self) -> str:
        if self.number <= len(COUPONS) and "currency_code" in COUPONS[self.number - 1].values:
            return "USD"  # so that coupons in dollars count, and the one in euros does not
        rare = self.number - len(COUPONS)  # the first subscriptions show the coupons, those after them currencies
        if 0 < rare <= len(RARE_CURRENCIES):
            return RARE_CURRENCIES[rare - 1]
        if self.rng.random() < RARE:
            return self.rng.choice(RARE_CURRENCIES)
        return CURRENCY_OF.get(self.account.country or "", "USD")

    def _subscription(self, plan: str) -> dict[str, Any]:
        rng, period = self.rng, self.period
        plan_usd = MONTHLY_USD.get(plan, MONTHLY_USD["sbp"])
        seats = rng.randrange(3, 60)
        lines = [item("plan", plan, period, plan_usd, self.currency, 1)]
        for name, usd in ADDONS:
            if rng.random() < 0.3:
                line = item("addon", name, period, usd, self.currency, seats if name == "seats" else 1)
                lines.append(rng.choice((line, line, {**line, "free_quantity": 1}, tiered(line))))
        if rng.random() < 0.1:
            lines.append(
                {**item("charge", "setup", period, 99, self.currency, 1), "unit_price": minor(99, self.currency)}
            )
        if rng.random() < 0.03:
            lines.append({**item("addon", "sms", period, 1, self.currency, 1), "metered_quantity": "120"})
        custom = {"cf_free_months": 2, "cf_contract_months": 12} if rng.random() < 0.1 else {}
        fitting = [c for c in COUPONS if c.id not in REFUSED and c.values.get("currency_code") in {None, self.currency}]
        coupons = rng.sample(fitting, rng.choice((1, 1, 2))) if rng.random() < 0.35 else []
        if self.number <= len(COUPONS):
            coupons = [COUPONS[self.number - 1]]
        return {
            "id": f"sub_{self.number:06d}",
            "customer_id": self.customer["id"],
            "currency_code": self.currency,
            "billing_period": period.count,
            "billing_period_unit": period.unit,
            "subscription_items": lines,
            "coupons": [self._on_subscription(coupon) for coupon in coupons],
            "created_at": (self.start_ms - TRIAL_MS) // 1000,
            "object": "subscription",
            **custom,
        }

    def _on_subscription(self, coupon: Coupon) -> dict[str, Any]:
        held: dict[str, Any] = {"coupon_id": coupon.id, "applied_count": 1, "object": "coupon"}
        if coupon.months is not None:
            held["apply_till"] = (self.start_ms + coupon.months * 30 * DAY_MS) // 1000
        return held

    def told(self) -> Iterator[Told]:
        """Yield the events (type, moment, content) up to the moment the data ends at."""
        for event_type, ms, content in self._life():
            if ms <= self.base_ms:
                yield event_type, ms, content

    def _life(self) -> Iterator[Told]:
        born = self.start_ms - TRIAL_MS
        yield "customer_created", born, {"customer": self._versioned(self.customer, born)}
        yield self._about("subscription_created", born, "in_trial", trial_end=self.start_ms // 1000)
        if not self.account.pays:
            return
        yield self._about("subscription_activated", self.start_ms, "active", activated_at=self.start_ms // 1000)
        yield from self._charge(self.start_ms)
        ms = self.start_ms
        while ms <= self.base_ms and (self.end_ms is None or ms < self.end_ms):
            yield from self._meanwhile(ms)
            ms += self.period.days * DAY_MS
            if ms > self.base_ms or (self.end_ms is not None and ms >= self.end_ms):
                break
            yield self._about("subscription_renewed", ms, "active", current_term_start=ms // 1000)
            yield from self._charge(ms)
        if self.end_ms is not None:
            yield from self._end(self.end_ms)

    def _meanwhile(self, ms: int) -> Iterator[Told]:
        """Yield what happens within a billing period: once per thirty days of it the dice are thrown."""
        for part in range(max(1, self.period.days // 30)):
            moment = ms + part * 30 * DAY_MS + 5 * DAY_MS
            if self.end_ms is not None and moment + 8 * DAY_MS >= self.end_ms:
                return
            roll = self.rng.random()
            if roll < CHANGES:
                self._change_quantities()
                self.subscription.pop("mrr", None)
                yield self._about("subscription_changed", moment, "active")
                if not self.subscription["coupons"]:
                    mrr = monthly(self.subscription["subscription_items"], self.period)
                    yield self._about("mrr_updated", moment + 1_000, "active", mrr=mrr)
            elif roll < CHANGES + PAUSES and self.period.days >= 28:
                yield self._about("subscription_paused", moment, "paused", pause_date=moment // 1000)
                yield self._about("subscription_resumed", moment + 7 * DAY_MS, "active")
            elif roll < CHANGES + PAUSES + 0.02:
                yield self._about("subscription_changes_scheduled", moment, "active", has_scheduled_changes=True)

    def _change_quantities(self) -> None:
        lines = [dict(line) for line in self.subscription["subscription_items"]]
        factor = self.rng.choice((2, 2, 3, 1))
        for line in lines:
            quantity = max(1, line["quantity"] * factor if factor > 1 else line["quantity"] // 2)
            if line["item_type"] != "charge":
                line["quantity"] = quantity
                line.update(tiered(line) if "amount" in line else {})
        self.subscription = {**self.subscription, "subscription_items": lines}

    def _end(self, ms: int) -> Iterator[Told]:
        yield self._about(
            "subscription_cancellation_scheduled", ms - 7 * DAY_MS, "non_renewing", cancelled_at=ms // 1000
        )
        yield self._about("subscription_cancelled", ms, "cancelled", cancelled_at=ms // 1000)
        if self.rng.random() < COMES_BACK and ms + 75 * DAY_MS < self.base_ms:
            # It leaves for good again: the product says the account is lost.
            yield self._about("subscription_reactivated", ms + 40 * DAY_MS, "active")
            yield from self._charge(ms + 40 * DAY_MS)
            yield self._about("subscription_cancelled", ms + 70 * DAY_MS, "cancelled")

    def _charge(self, ms: int) -> Iterator[Told]:
        """Yield an invoice and its payment, sometimes after one that failed, rarely none, now and then a refund."""
        self.invoices += 1
        total = sum(map(line_total, self.subscription["subscription_items"]))
        if total <= 0:
            return
        invoice = self._invoice(total, ms)
        is_last = self.end_ms is None and ms + self.period.days * DAY_MS > self.base_ms
        gives_up, retries = is_last and self.number % ONE_IN == 4, is_last and self.number % ONE_IN == 5
        fails = gives_up or retries or self.rng.random() < FAILURES
        pays_at = ms + 3 * DAY_MS if fails else ms
        yield "invoice_generated", ms, {"invoice": self._versioned(invoice, ms), **self._parties(ms)}
        if fails:
            failed = self._transaction(invoice, "failure", "payment", ms, 0)
            due = self._versioned({**invoice, "status": "payment_due", "dunning_status": "in_progress"}, ms + 1)
            yield "payment_failed", ms, {"transaction": failed, "invoice": due, **self._parties(ms + 1)}
            if retries:
                return
            if gives_up or self.rng.random() < 0.15:
                lost = {**invoice, "status": "not_paid", "dunning_status": "exhausted"}
                moment = min(ms + 21 * DAY_MS, self.base_ms)
                yield "invoice_updated", moment, {"invoice": self._versioned(lost, moment)}
                return
        paid = {**invoice, "status": "paid", "amount_paid": total, "amount_due": 0, "paid_at": pays_at // 1000}
        transaction = self._transaction(invoice, "success", "payment", pays_at, 1)
        content = {"transaction": transaction, "invoice": self._versioned(paid, pays_at + 2), **self._parties(pays_at)}
        yield "payment_succeeded", pays_at, content
        if self.rng.random() < REFUNDS:
            moment = pays_at + 2 * DAY_MS
            refund = {**self._transaction(invoice, "success", "refund", moment, 2), "amount": total // 2}
            note = {"id": f"cn_{invoice['id']}", "reference_invoice_id": invoice["id"], "total": total // 2}
            yield (
                "payment_refunded",
                moment,
                {
                    "transaction": refund,
                    "invoice": self._versioned(paid, moment),
                    "credit_note": self._versioned({**note, "type": "refundable", "object": "credit_note"}, moment),
                    **self._parties(moment),
                },
            )

    def _invoice(self, total: int, ms: int) -> dict[str, Any]:
        return {
            "id": f"inv_{self.number:06d}_{self.invoices:04d}",
            "customer_id": self.customer["id"],
            "subscription_id": self.subscription["id"],
            "status": "posted",
            "currency_code": self.currency,
            "date": ms // 1000,
            "due_date": (ms + 7 * DAY_MS) // 1000,
            "total": total,
            "amount_paid": 0,
            "amount_due": total,
            "object": "invoice",
        }

    def _transaction(self, invoice: dict[str, Any], status: str, kind: str, ms: int, turn: int) -> dict[str, Any]:
        transaction = {
            "id": f"txn_{self.number:06d}_{self.invoices:04d}_{turn}",
            "customer_id": self.customer["id"],
            "subscription_id": self.subscription["id"],
            "type": kind,
            "status": status,
            "currency_code": self.currency,
            "amount": invoice["total"],
            "date": ms // 1000,
            "linked_invoices": [{"invoice_id": invoice["id"], "applied_amount": invoice["total"]}],
            "object": "transaction",
        }
        return self._versioned(transaction, ms)

    def _about(self, event_type: str, ms: int, status: str, **values: Any) -> Told:
        """Return an event about the subscription, which has this status from now on."""
        self.subscription = {**self.subscription, "status": status, **values}
        return event_type, ms, self._parties(ms)

    def _parties(self, ms: int) -> dict[str, Any]:
        subscription = self.subscription
        if subscription.get("mrr") and subscription["status"] in {"paused", "cancelled"}:
            subscription = {**subscription, "mrr": 0}  # only in this copy: it counts again when it resumes
        return {
            "subscription": self._versioned(subscription, ms),
            "customer": self._versioned(self.customer, self.start_ms - TRIAL_MS),
        }

    @staticmethod
    def _versioned(resource: dict[str, Any], ms: int) -> dict[str, Any]:
        return {**resource, "resource_version": ms, "updated_at": ms // 1000}
