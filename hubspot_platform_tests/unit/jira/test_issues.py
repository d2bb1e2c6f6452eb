"""Which copy of an issue stays: the newest by its event's time, whatever the order of arrival."""

from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.business import Jira
from hubspot_platform.jira.issues import IssueEvent, NoIssueEvent, company_id, issue_event, settle
from hubspot_platform_tests.support.received import issue

SETTINGS = Jira()


def read(number: int, key: str, at: int, event: str) -> IssueEvent:
    return issue_event(orjson.dumps(issue(key, at=at, event=event)), f"e{number}", SETTINGS)


events = st.lists(
    st.tuples(
        st.sampled_from(["BUG-1", "BUG-2"]),
        st.integers(0, 4),
        st.sampled_from(["jira:issue_updated", "jira:issue_deleted"]),
    ),
    max_size=8,
).map(lambda parts: [read(number, *part) for number, part in enumerate(parts)])


@given(events, st.data())
def test_any_order_and_any_batches_end_in_the_same_copies(found: list[IssueEvent], data: st.DataObject) -> None:
    expected = {key: max((e for e in found if e.key == key), key=lambda e: e.order) for key in {e.key for e in found}}
    stored: dict[str, IssueEvent] = {}
    left: Sequence[IssueEvent] = data.draw(st.permutations(found))
    while left:
        size = data.draw(st.integers(1, len(left)))
        fresh = settle(left[:size], {key: event.order for key, event in stored.items()})
        stored |= {event.key: event for event, is_fresh in zip(left[:size], fresh, strict=True) if is_fresh}
        left = left[size:]
    assert stored == expected


def test_the_event_that_is_stored_itself_is_not_stale() -> None:
    event = read(1, "BUG-1", 5, "jira:issue_updated")
    assert settle([event], {"BUG-1": event.order}) == [True]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" 12 ", "12"),
        (12, "12"),
        (12.0, "12"),
        (12.5, None),
        ({"value": "12"}, "12"),
        (["12"], "12"),
        (["12", "13"], None),
        ("", None),
        (None, None),
        (True, None),
        ({"id": 4}, None),
    ],
)
def test_the_company_of_a_custom_field(value: object, expected: str | None) -> None:
    assert company_id(value) == expected


def test_times_and_names_are_read_as_jira_writes_them() -> None:
    fields = {
        "created": "2026-03-01T10:00:00.000+0200",
        "updated": "yesterday",
        "status": {"name": "Open"},
        "priority": None,
        "project": {"key": "WEB"},
        "labels": ["a"],
    }
    row = issue_event(orjson.dumps(issue("BUG-1", at=1, **fields)), "e", SETTINGS).row
    assert row["created_at"].isoformat() == "2026-03-01T08:00:00+00:00"
    assert (row["updated_at"], row["status"], row["priority"], row["project_key"]) == (None, "Open", None, "WEB")
    assert row["labels"] == '["a"]'


@pytest.mark.parametrize("timestamp", [None, "5", -1, True, 10**17])
def test_an_event_without_a_time_is_refused(timestamp: object) -> None:
    with pytest.raises(NoIssueEvent, match="timestamp"):
        issue_event(orjson.dumps({**issue("BUG-1", at=1), "timestamp": timestamp}), "e", SETTINGS)
