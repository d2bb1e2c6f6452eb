"""The 22 metrics a second time, in plain Python over records, for comparison with what the warehouse answers."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from statistics import median

from hubspot_platform_tests.integration.metrics.records import Call, Contact, Deal, Records

ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
CONNECTED = {"connected", "f240bbac-87c9-4f6e-bf70-924b57d47db7"}
CANCELLED = {"cancelled", "canceled", "churned", "refunded"}
TOTALS = {"total_sales", "deals_won", "contacts_created", "calls_total", "total_call_hours", "upfront_cash"}
MEANS = {
    "average_deal_size",
    "average_call_minutes",
    "average_installments",
    "average_followups",
    "time_to_first_contact_hours",
    "time_to_sale_days",
}
MEDIANS = {"time_to_first_contact_hours", "time_to_sale_days"}


@dataclass(frozen=True)
class Scope:
    """Which records count: [start, end), one owner or all (None), split by a property of the contact or not (None)."""

    start: datetime
    end: datetime
    owner: str | None = None
    by: str | None = None


def answers(records: Records, scope: Scope) -> dict[tuple[str, str | None], tuple[int, Fraction | None, object]]:
    """(metric, variant) → how many records count, value, median; a split has only variants that occur."""
    found: dict[tuple[str, str | None], list[Fraction]] = defaultdict(list)
    for metric, contact, value in _counted(records, scope):
        found[metric, _variant(records, contact, scope.by)].append(Fraction(value))
    if scope.by is None:
        for metric in (*TOTALS, *MEANS, *RATES):
            found[metric, None] += []
    return {key: (len(values), _value(key[0], values), _median(key[0], values)) for key, values in found.items()}


def _value(metric: str, values: list[Fraction]) -> Fraction | None:
    if metric in TOTALS:
        return sum(values, Fraction(0))
    if not values:
        return None
    return sum(values, Fraction(0)) / len(values) * (1 if metric in MEANS else 100)


def _median(metric: str, values: list[Fraction]) -> Fraction | None:
    return median(values) if metric in MEDIANS and values else None


def _variant(records: Records, contact: int | None, by: str | None) -> str | None:
    if by is None:
        return None
    known = next((found for found in records.contacts if found.id == contact), None)
    if by == "sales_script_version":
        return (known and known.script) or "unknown"
    return {True: "yes", False: "no", None: "unknown"}[known.vsl if known else None]


def _counted(records: Records, scope: Scope) -> Iterator[tuple[str, int | None, Fraction | int]]:
    """(metric, contact, measure) of everything that counts."""
    for contact in records.contacts:
        if _inside(contact.created, contact.owner, scope):
            yield from _of_contact(records, contact)
    for deal in records.deals:
        first = min(deal.contacts, default=None)
        if _inside(deal.created, deal.owner, scope):
            yield from ((metric, first, value) for metric, value in _of_created_deal(deal))
        if deal.won and _inside(deal.closed, deal.owner, scope):
            yield from ((metric, first, value) for metric, value in _of_won_deal(deal))
    calls = [call for call in records.calls if _inside(call.at, call.owner, scope)]
    for call in calls:
        yield from _of_call(call)
    yield from _of_called_contacts(records, calls)


def _inside(moment: datetime | None, owner: str | None, scope: Scope) -> bool:
    mine = scope.owner is None or (owner or "unassigned") == scope.owner
    return mine and moment is not None and scope.start <= moment < scope.end


def _of_contact(records: Records, contact: Contact) -> Iterator[tuple[str, int | None, Fraction | int]]:
    assert contact.created is not None
    yield "contacts_created", contact.id, 1
    won = any(deal.won and contact.id in deal.contacts for deal in records.deals)
    yield "contact_to_customer_rate", contact.id, int(won)
    calls = sorted(c.at for c in records.calls if c.contact == contact.id and c.at and c.at >= contact.created)
    if calls:
        yield "followup_rate", contact.id, int(len(calls) >= 2)
        yield "average_followups", contact.id, len(calls) - 1
        yield "time_to_first_contact_hours", contact.id, _hours(contact.created, calls[0])


def _of_created_deal(deal: Deal) -> Iterator[tuple[str, Fraction | int]]:
    for metric, text in (
        ("qualified_rate", deal.qualified),
        ("trial_rate", deal.trial),
        ("offer_given_rate", deal.offer),
    ):
        answer = ANSWERS.get((text or "").strip().lower())
        if answer is not None:
            yield metric, int(answer)
    if ANSWERS.get((deal.offer or "").strip().lower()):
        yield "offer_close_rate", int(deal.won)


def _of_won_deal(deal: Deal) -> Iterator[tuple[str, Fraction | int]]:
    assert deal.closed is not None
    amount = Fraction(deal.amount or 0)
    yield "deals_won", 1
    yield "total_sales", amount
    if deal.amount is not None:
        yield "average_deal_size", amount
    months = deal.installments if deal.installments and deal.installments >= 1 else None
    yield "upfront_cash", Fraction(deal.cash) if deal.cash is not None else amount / (months or 1)
    if months:
        yield "average_installments", months
    if deal.payment is not None:
        yield "cancellation_rate", int(deal.payment.lower() in CANCELLED)
    if deal.created and deal.closed >= deal.created:
        yield "time_to_sale_days", _hours(deal.created, deal.closed) / 24


def _of_call(call: Call) -> Iterator[tuple[str, int | None, Fraction | int]]:
    yield "calls_total", call.contact, 1
    ms = call.ms or 0
    yield "total_call_hours", call.contact, Fraction(ms, 3_600_000)
    if ms > 0:
        yield "average_call_minutes", call.contact, Fraction(ms, 60_000)
    yield "pickup_rate", call.contact, int((call.disposition or "").lower() in CONNECTED and ms >= 240_000)
    yield "five_minute_reached_rate", call.contact, int(ms >= 300_000)


def _of_called_contacts(records: Records, calls: list[Call]) -> Iterator[tuple[str, int | None, Fraction | int]]:
    first: dict[int, datetime] = {}
    for call in calls:
        if call.contact is not None and call.at is not None:
            first[call.contact] = min(first.get(call.contact, call.at), call.at)
    for contact, moment in first.items():
        closed = [deal.closed for deal in records.deals if deal.won and contact in deal.contacts and deal.closed]
        yield "call_to_close_rate", contact, int(any(found >= moment for found in closed))


def _hours(start: datetime, end: datetime) -> Fraction:
    gone = end - start
    micros = (gone.days * 86_400 + gone.seconds) * 1_000_000 + gone.microseconds
    return Fraction(micros, 3_600_000_000)


RATES = {
    "contact_to_customer_rate",
    "pickup_rate",
    "five_minute_reached_rate",
    "qualified_rate",
    "trial_rate",
    "cancellation_rate",
    "followup_rate",
    "offer_given_rate",
    "offer_close_rate",
    "call_to_close_rate",
}
