"""Who is the last writer: by source time, then event id, then value; never what a newer copy holds already."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.hubspot.properties import PropertyDefinition, PropertyOption
from hubspot_platform.mirror.changes import (
    PropertyChange,
    Rank,
    StoredRecord,
    Verdict,
    Version,
    decide,
    is_unknown_option,
    ranked_versions,
)
from hubspot_platform.mirror.lifecycle import Existence, State, newest

BASE = datetime(2026, 5, 1, tzinfo=UTC)


def change(at: int, value: str | None = "x", *, record: int = 1, event_id: int = 0) -> PropertyChange:
    return PropertyChange(record, "city", value, BASE + timedelta(seconds=at), event_id)


def test_case_024_the_newest_change_wins_and_older_ones_are_said_to_be_older() -> None:
    found = decide([change(20, "new"), change(10, "old")], {1: StoredRecord(BASE)}, {})
    assert found.verdicts == (Verdict.APPLIED, Verdict.OLDER)
    assert [winner.value for winner in found.winners] == ["new"]


def test_what_the_records_own_copy_holds_already_is_older() -> None:
    records = {1: StoredRecord(BASE + timedelta(seconds=10))}
    found = decide([change(10), change(11)], records, {})
    assert found.verdicts == (Verdict.OLDER, Verdict.APPLIED)


def test_a_change_that_was_applied_before_is_known_and_an_older_one_stays_older() -> None:
    applied = {(1, "city"): change(5, "x").rank}
    found = decide([change(5, "x"), change(4, "w")], {1: StoredRecord(BASE)}, applied)
    assert found.verdicts == (Verdict.REPEATED, Verdict.OLDER)
    assert found.winners == ()
    assert found.read_back == frozenset()


def test_records_that_are_deleted_or_unknown_take_no_changes() -> None:
    found = decide([change(5), change(5, record=2)], {1: StoredRecord(BASE, is_deleted=True)}, {})
    assert found.verdicts == (Verdict.DELETED, Verdict.UNKNOWN)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.sampled_from(["a", "b", None])), max_size=4))
def test_case_025_the_winner_does_not_depend_on_the_order_of_arrival(facts: list[tuple[int, int, str | None]]) -> None:
    changes = [change(at, value, event_id=event_id) for at, event_id, value in facts]
    outcomes = set()
    for order in permutations(changes):
        applied: dict[tuple[int, str], Rank] = {}
        value = None
        for each in order:
            for winner in decide([each], {1: StoredRecord(BASE)}, applied).winners:
                applied[1, "city"], value = winner.rank, winner.value
        outcomes.add(value)
    assert len(outcomes) == 1


def test_case_025_a_tie_of_different_values_asks_for_the_record_to_be_read_back() -> None:
    found = decide([change(5, "a", event_id=1), change(5, "b", event_id=2)], {1: StoredRecord(BASE)}, {})
    assert found.read_back == {1}
    assert [winner.value for winner in found.winners] == ["b"]
    assert decide([change(5, "a"), change(5, "a")], {1: StoredRecord(BASE)}, {}).read_back == frozenset()


def test_versions_of_one_instant_keep_their_order_and_are_stored_once() -> None:
    low, high = change(5, "low", event_id=1), change(5, "high", event_id=2)
    assert [version.value for version in ranked_versions([low, high], [], None)] == ["high", "low"]
    stored = [Version("high", None, None)]
    assert [v.value for v in ranked_versions([low], stored, high.rank)] == ["high", "low"]
    assert [v.value for v in ranked_versions([high], [Version("low", None, None)], low.rank)] == ["high", "low"]
    assert ranked_versions([high], stored, high.rank) == []


@pytest.mark.parametrize(
    ("value", "field_type", "unknown"),
    [
        ("a", "select", False),
        ("z", "select", True),
        ("a;b", "checkbox", False),
        ("a;z", "checkbox", True),
        (None, "x", False),
    ],
)
def test_case_032_an_option_nobody_defined_is_unknown(value: str | None, field_type: str, unknown: bool) -> None:
    options = tuple(PropertyOption(name, name, None, hidden=False) for name in "ab")
    definition = PropertyDefinition("p", "P", "enumeration", field_type, options=options)
    assert is_unknown_option(definition, value) is unknown
    assert not is_unknown_option(PropertyDefinition("o", "O", "enumeration", field_type, external_options=True), value)


def test_case_026_a_purge_is_final_and_at_one_instant_deletion_wins() -> None:
    live, gone = Existence(State.LIVE, BASE), Existence(State.DELETED, BASE)
    purged = Existence(State.PURGED, BASE - timedelta(days=1))
    assert newest(None, live)
    assert newest(live, gone)
    assert not newest(gone, live)
    assert newest(gone, Existence(State.LIVE, BASE + timedelta(seconds=1)))
    assert newest(live, purged)
    assert not newest(purged, Existence(State.LIVE, BASE + timedelta(days=9)))
