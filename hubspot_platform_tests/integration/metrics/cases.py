"""What each metric counts and leaves out, one rule a function: the records of one owner and the answers for April 2026.

`test_rules.py` puts all of them into one warehouse and asks for one owner at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from hubspot_platform_tests.integration.metrics.records import Call, Contact, Deal, Records, at

Answer = tuple[object, ...]
"""numerator, denominator, value and, where there is one, median."""

MORNING = "2026-04-12 09:00"
_IDS = count(1)


@dataclass
class Case:
    """Adds records of one owner; returns their ids."""

    owner: str
    records: Records = field(default_factory=Records)

    def contact(self, created: str | None = MORNING, **more: object) -> int:
        contact = Contact(next(_IDS), at(created), **{"owner": self.owner, **more})
        self.records.contacts.append(contact)
        return contact.id

    def deal(self, created: str | None = MORNING, closed: str | None = None, **more: object) -> int:
        deal = Deal(next(_IDS), at(created), at(closed), **{"owner": self.owner, **more})
        self.records.deals.append(deal)
        return deal.id

    def won(self, created: str | None = "2026-04-01 10:00", closed: str | None = MORNING, **more: object) -> int:
        return self.deal(created, closed, won=True, **more)

    def call(self, moment: str | None = MORNING, ms: int | None = None, **more: object) -> int:
        call = Call(next(_IDS), at(moment), ms, **{"owner": self.owner, **more})
        self.records.calls.append(call)
        return call.id


@dataclass(frozen=True)
class Rule:
    name: str
    case: Case
    expected: dict[str, Answer]


RULES: list[Rule] = []


def rule(**expected: Answer) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    def add(fill: Callable[[Case], None]) -> Callable[[Case], None]:
        case = Case(f"{1000 + len(RULES)}")
        fill(case)
        RULES.append(Rule(fill.__name__, case, expected))
        return fill

    return add


@rule(
    total_sales=(1200, None, 1200),
    average_deal_size=(1200, 1, 1200),
    deals_won=(1, None, 1),
    contact_to_customer_rate=(1, 3, "33.3333333333"),
    contacts_created=(3, None, 3),
    calls_total=(4, None, 4),
    average_call_minutes=(870_000, 3, "4.8333333333"),
    total_call_hours=(870_000, None, "0.2416666667"),
    pickup_rate=(2, 4, 50),
    five_minute_reached_rate=(1, 4, 25),
    qualified_rate=(0, 0, None),
    trial_rate=(0, 0, None),
    cancellation_rate=(0, 0, None),
    upfront_cash=(400, None, 400),
    average_installments=(3, 1, 3),
    followup_rate=(1, 2, 50),
    average_followups=(1, 2, "0.5"),
    time_to_first_contact_hours=(172_800, 2, 24, 24),
    offer_given_rate=(2, 2, 100),
    offer_close_rate=(1, 2, 50),
    time_to_sale_days=(864_000, 1, 10, 10),
    call_to_close_rate=(1, 2, 50),
)
def the_mini_example(case: Case) -> None:
    a, b = case.contact("2026-04-01 09:00"), case.contact("2026-04-02 09:00")
    case.contact("2026-04-03 09:00")
    case.won("2026-04-02 10:00", "2026-04-12 10:00", amount=Decimal(1200), installments=3, offer="yes", contacts=(a,))
    case.deal("2026-04-02 11:00", offer="yes", contacts=(b,))
    case.call("2026-04-02 09:00", 600_000, contact=a, disposition="Connected")
    case.call("2026-04-05 09:00", 240_000, contact=a, disposition="f240bbac-87c9-4f6e-bf70-924b57d47db7")
    case.call("2026-04-03 09:00", 0, contact=b)
    case.call("2026-04-07 09:00", 30_000)


@rule(
    total_sales=(0, None, 0),
    average_deal_size=(0, 0, None),
    deals_won=(0, None, 0),
    contacts_created=(0, None, 0),
    calls_total=(0, None, 0),
    total_call_hours=(0, None, 0),
    upfront_cash=(0, None, 0),
    pickup_rate=(0, 0, None),
    time_to_sale_days=(0, 0, None, None),
    call_to_close_rate=(0, 0, None),
)
def sums_over_nothing_are_0_and_means_and_rates_are_null(case: Case) -> None:
    case.contact("2026-05-01 00:00")


@rule(
    total_sales=("100.01", None, "100.01"),
    average_deal_size=("100.01", 3, "33.3366666667"),
    deals_won=(4, None, 4),
    upfront_cash=("100.01", None, "100.01"),
)
def a_null_amount_adds_nothing_and_leaves_the_mean_but_zero_counts(case: Case) -> None:
    for amount in (Decimal(100), None, Decimal(0), Decimal("0.01")):
        case.won(amount=amount)


@rule(total_sales=(100, None, 100), average_deal_size=(100, 1000, "0.1"))
def money_adds_up_to_the_last_digit(case: Case) -> None:
    for _ in range(1000):
        case.won(amount=Decimal("0.1"))


@rule(
    qualified_rate=(4, 7, "57.1428571429"),
    trial_rate=(4, 7, "57.1428571429"),
    offer_given_rate=(4, 7, "57.1428571429"),
)
def yes_and_no_in_any_case_count_and_anything_else_leaves_both_sides(case: Case) -> None:
    for answer in ("Yes", "TRUE", "1", "yes ", "No", "false", "0", "maybe", "", None, "y"):
        case.deal(qualified=answer, trial=answer, offer=answer)


@rule(offer_given_rate=(2, 3, "66.6666666667"), offer_close_rate=(1, 2, 50))
def an_offer_closes_when_the_deal_is_won_whenever_that_is(case: Case) -> None:
    case.won(MORNING, "2027-01-01 10:00", offer="yes")
    case.deal(offer="yes")
    case.won(MORNING, offer="no")
    case.won("2026-03-31 23:59:59", offer="yes")


@rule(cancellation_rate=(4, 6, "66.6666666667"), deals_won=(7, None, 7))
def cancellations_are_counted_among_won_deals_with_a_payment_status(case: Case) -> None:
    for status in ("Cancelled", "canceled", "CHURNED", "refunded", "active", "paused", None):
        case.won(payment=status)
    case.deal(closed=MORNING, payment="cancelled")


@rule(upfront_cash=(425, None, 425), average_installments=(4, 1, 4))
def upfront_cash_divides_by_instalments_of_one_or_more(case: Case) -> None:
    for installments in (4, 0, -3, None, None):
        case.won(amount=Decimal(100), installments=installments)


@rule(upfront_cash=("340.5", None, "340.5"))
def recorded_cash_replaces_the_formula(case: Case) -> None:
    case.won(amount=Decimal(900), installments=3, cash=Decimal("250.50"))
    case.won(amount=Decimal(90))


@rule(time_to_sale_days=("518400.000001", 4, "1.5", "1.5"))
def deals_closed_before_they_were_created_leave_time_to_sale(case: Case) -> None:
    case.won("2026-04-13 10:00", "2026-04-12 10:00")
    case.won("2026-04-12 10:00", "2026-04-12 10:00")
    case.won("2026-04-11 10:00", "2026-04-12 10:00:00.000001")
    case.won("2026-04-10 10:00", "2026-04-12 10:00")
    case.won("2026-04-09 10:00", "2026-04-12 10:00")
    case.won(None, "2026-04-12 10:00")


@rule(contact_to_customer_rate=(2, 4, 50))
def a_contact_is_a_customer_in_any_position_of_any_won_deal_closed_at_any_time(case: Case) -> None:
    one, two, three, _ = (case.contact() for _ in range(4))
    case.won("2026-04-01 10:00", "2027-01-01 10:00", contacts=(one, two))
    case.won("2026-04-01 10:00", None, contacts=(two,))
    case.deal("2026-04-01 10:00", contacts=(three,))


@rule(
    calls_total=(8, None, 8),
    average_call_minutes=(1_379_999, 5, "4.5999966667"),
    total_call_hours=(1_379_999, None, "0.3833330556"),
    pickup_rate=(2, 8, 25),
    five_minute_reached_rate=(2, 8, 25),
)
def calls_of_4_minutes_are_picked_up_when_connected_and_5_minutes_reach(case: Case) -> None:
    case.call(ms=240_000, disposition="Connected")
    case.call(ms=300_000, disposition="F240BBAC-87C9-4f6e-bf70-924b57d47db7")
    case.call(ms=239_999, disposition="connected")
    case.call(ms=299_999, disposition="Busy")
    case.call(ms=300_001, disposition=None)
    case.call(ms=0)
    case.call(ms=None)
    case.call(ms=0, disposition="Connected")


@rule(
    calls_total=(3, None, 3),
    average_call_minutes=(3_600_000, 1, 60),
    total_call_hours=(1_800_000, None, "0.5"),
    pickup_rate=(1, 3, "33.3333333333"),
    five_minute_reached_rate=(1, 3, "33.3333333333"),
)
def a_negative_duration_is_taken_off_the_hours_and_leaves_the_mean(case: Case) -> None:
    for ms in (3_600_000, -1_500_000, -300_000):
        case.call(ms=ms, disposition="Connected")


@rule(
    contacts_created=(5, None, 5),
    followup_rate=(2, 4, 50),
    average_followups=(3, 4, "0.75"),
    time_to_first_contact_hours=(36_000, 4, "2.5", "1"),
    calls_total=(7, None, 7),
)
def calls_follow_up_from_the_creation_on_whenever_and_by_anyone(case: Case) -> None:
    at_once, later, by_other, before, _ = (case.contact("2026-04-30 12:00") for _ in range(5))
    case.call("2026-04-30 12:00", contact=at_once)
    case.call("2026-04-30 14:00", contact=later)
    case.call("2026-04-30 15:00", contact=later)
    case.call("2026-06-30 15:00", contact=later)
    case.call("2026-04-30 12:00", contact=by_other, owner="7")
    case.call("2026-04-30 13:00", contact=by_other, owner=None)
    case.call("2026-04-30 11:59:59", contact=before)
    case.call("2026-04-30 20:00", contact=before)
    for _ in range(2):
        case.call("2026-04-30 20:00")


@rule(calls_total=(11, None, 11), call_to_close_rate=(4, 7, "57.1428571429"))
def a_contact_called_closes_with_a_deal_won_at_or_after_its_first_call_in_the_period(case: Case) -> None:
    names = ("uncalled", "at_once", "between", "before", "second", "lost", "never", "earlier")
    of = {name: case.contact("2026-01-01 09:00") for name in names}
    case.call("2026-04-10 10:00", contact=of["at_once"])
    case.won(closed="2026-04-10 10:00", contacts=(of["at_once"],))
    case.call("2026-04-10 10:00", contact=of["between"])
    case.call("2026-04-20 10:00", contact=of["between"])
    case.won(closed="2026-04-15 10:00", contacts=(of["between"],))
    case.call("2026-04-10 10:00", contact=of["before"])
    case.won(closed="2026-04-10 09:59:59.999999", contacts=(of["before"],))
    case.call("2026-04-10 10:00", contact=of["second"])
    case.call("2026-04-10 10:00", contact=of["second"])
    case.won(closed="2027-04-10 10:00", contacts=(of["uncalled"], of["second"]))
    case.call("2026-04-10 10:00", contact=of["lost"])
    case.deal(closed="2026-04-20 10:00", contacts=(of["lost"],))
    case.call("2026-04-10 10:00", contact=of["never"])
    case.call("2026-03-10 10:00", contact=of["earlier"])
    case.call("2026-04-10 10:00", contact=of["earlier"])
    case.call("2026-04-11 10:00", contact=of["earlier"])
    case.won(closed="2026-04-10 12:00", contacts=(of["earlier"],))
    case.call("2026-04-10 10:00")


@rule(call_to_close_rate=(1, 1, 100), calls_total=(1, None, 1))
def an_owners_first_call_is_the_one_that_counts_for_the_owner(case: Case) -> None:
    contact = case.contact("2026-01-01 09:00")
    case.call("2026-04-05 10:00", contact=contact, owner="7")
    case.call("2026-04-10 10:00", contact=contact)
    case.won(closed="2026-04-10 10:00", contacts=(contact,), owner="7")


@rule(
    contacts_created=(2, None, 2),
    calls_total=(2, None, 2),
    deals_won=(2, None, 2),
    offer_given_rate=(2, 2, 100),
    call_to_close_rate=(0, 2, 0),
)
def the_start_of_the_period_is_inside_and_its_end_is_not(case: Case) -> None:
    inside, outside = ("2026-04-01 00:00", "2026-04-30 23:59:59.999999"), ("2026-03-31 23:59:59.999999", "2026-05-01")
    for moment in (*inside, *outside):
        case.call(moment, contact=case.contact(moment))
        case.won("2020-01-01", moment)
        case.deal(moment, offer="yes")


@rule(contacts_created=(0, None, 0), calls_total=(0, None, 0), deals_won=(0, None, 0), offer_given_rate=(0, 0, None))
def records_without_the_date_of_a_metric_are_in_no_period(case: Case) -> None:
    contact = case.contact(None)
    case.won(None, None, offer="yes", amount=Decimal(5))
    case.call(None, 600_000, contact=contact)


@rule(total_sales=(5, None, 5), contact_to_customer_rate=(0, 1, 0), calls_total=(1, None, 1))
def contacts_go_by_contact_owner_deals_by_deal_owner_and_calls_by_call_owner(case: Case) -> None:
    mine, others = case.contact(), case.contact(owner="7")
    case.won(amount=Decimal(5), contacts=(others,))
    case.won(amount=Decimal(6), owner="7")
    case.call(contact=others)
    case.call(contact=mine, owner="7")
