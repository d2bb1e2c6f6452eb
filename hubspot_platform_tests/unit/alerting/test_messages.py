"""Message texts, compared with stored fixtures; `UPDATE_FIXTURES=1` writes them anew for review."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hubspot_platform.alerting import messages
from hubspot_platform.alerting.links import DagsterLinks
from hubspot_platform.alerting.messages import Mentions, quantity
from hubspot_platform.alerting.model import Alert, AlertState, Kind, Notice, Severity
from hubspot_platform.alerting.slack_text import BLOCKS
from hubspot_platform_tests.unit.alerting.support import START, TOPIC, at

FIXTURES = Path(__file__).with_name("fixtures")
MENTIONS = Mentions(on_call="<!subteam^S1>", lead="<@U9>")

NOTICE = Notice(
    kind=Kind.OPENED,
    record_id="r0",
    alert_id="al_0123456789",
    topic=TOPIC,
    severity=Severity.WARNING,
    at=at(0),
    since=START,
    detail="7 rows lack an id & <source> time",
    observed=7.0,
    threshold=0.0,
    peak=41.0,
    unit="rows",
    mend="read the records again: hubspot-platform sync contacts",
    run_id="0f2a7c1e",
)
CRITICAL = replace(NOTICE, severity=Severity.CRITICAL)
FINE = replace(NOTICE, observed=0.0, threshold=5.0, at=at(125), detail="")
LINKS = DagsterLinks("https://dagster.example.com")


def many(number, **changes):
    return [
        replace(
            NOTICE,
            alert_id=f"al_{count:03d}",
            topic=replace(TOPIC, subject=f"hubspot/table_{count}"),
            severity=Severity.CRITICAL if count == number - 1 else Severity.WARNING,
            **changes,
        )
        for count in range(number)
    ]


def alert(count, state):
    topic = replace(TOPIC, subject=f"hubspot/table_{count}")
    return Alert(f"al_{count}", topic, Severity.WARNING, state, "", 1.0, 2.0, START, START)


BUILT = {
    "opened": lambda: messages.single(NOTICE, MENTIONS),
    "opened_without_numbers": lambda: messages.single(
        replace(NOTICE, observed=None, threshold=None, detail="", mend="", run_id=None), MENTIONS
    ),
    "updated": lambda: messages.single(replace(NOTICE, kind=Kind.UPDATED, occurrences=3), MENTIONS),
    "raised": lambda: messages.single(replace(CRITICAL, kind=Kind.RAISED), MENTIONS),
    "escalated_on_call": lambda: messages.single(replace(CRITICAL, kind=Kind.ESCALATED_ON_CALL), MENTIONS),
    "escalated_lead": lambda: messages.single(replace(CRITICAL, kind=Kind.ESCALATED_LEAD), MENTIONS),
    "flapping": lambda: messages.single(replace(NOTICE, kind=Kind.FLAPPING), MENTIONS),
    "resumed": lambda: messages.single(replace(CRITICAL, kind=Kind.RESUMED), MENTIONS),
    "opened_with_links": lambda: messages.single(NOTICE, MENTIONS, LINKS),
    "recovered": lambda: messages.single(replace(FINE, kind=Kind.RECOVERED), MENTIONS),
    "recovered_without_a_value": lambda: messages.single(
        replace(FINE, kind=Kind.RECOVERED, observed=None, threshold=None, peak=None), MENTIONS
    ),
    "closed": lambda: messages.single(replace(FINE, kind=Kind.CLOSED), MENTIONS),
    "group": lambda: messages.group(many(12)),
    "group_with_links": lambda: messages.group(many(2), LINKS),
    "replies_recovered": lambda: messages.replies(many(3, kind=Kind.RECOVERED, observed=0.0), MENTIONS),
    "summary": lambda: messages.summary(many(12), "Alerts that could not be sent earlier", MENTIONS),
    "group_state": lambda: messages.group_state([alert(0, AlertState.OPEN), alert(1, AlertState.RESOLVED)]),
    "group_state_resolved": lambda: messages.group_state([alert(n, AlertState.RESOLVED) for n in range(2)]),
}


@pytest.mark.parametrize("name", BUILT)
def test_the_message_is_the_stored_one(name):
    built = [
        {"text": item.text, "blocks": list(item.blocks), "metadata": dict(item.metadata)} for item in BUILT[name]()
    ]
    path = FIXTURES / f"{name}.json"
    if os.environ.get("UPDATE_FIXTURES"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(built, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert built == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", BUILT)
def test_every_message_fits_slack_and_has_a_fallback(name):
    for item in BUILT[name]():
        assert item.text
        assert len(item.text) <= 2_900
        assert len(item.blocks) <= BLOCKS
        for block in item.blocks:
            assert len(json.dumps(block.get("text", {}), ensure_ascii=False)) <= 3_000


def test_case_085_what_does_not_fit_one_message_goes_to_the_thread():
    first, *rest = messages.single(replace(NOTICE, detail="word " * 40_000))
    assert len(first.blocks) == BLOCKS
    assert rest
    assert len(first.text) <= 2_900


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (583.7, "rows", "583 rows"),
        (12_345.0, "records", "12,345 records"),
        (0.8331, "share", "83.3 %"),
        (0.95, "share", "95 %"),
        (2.0, "share", "200 %"),
        (8_123.4321, "seconds", "8,123.4 seconds"),
        (120.0, "min", "120 min"),
        (0.1234567, "points", "0.1235 points"),
    ],
)
def test_counts_are_whole_shares_are_percentages_and_no_number_is_longer_than_people_read(value, unit, said):
    assert quantity(value, unit) == said


def test_more_rows_than_a_fractional_limit_never_read_as_equal_to_it():
    (message,) = messages.single(replace(NOTICE, observed=584.0, threshold=583.7))
    assert "584 rows against 583 rows" in message.text
