"""A qualification event is a change: nobody is told twice, and nobody who changed is left out."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hubspot_platform.mirror.qualification import Qualification, qualification_changes

NOW = datetime(2026, 5, 1, tzinfo=UTC)
memberships = st.dictionaries(st.integers(1, 9), st.lists(st.integers(1, 3), min_size=1, unique=True))


@given(st.lists(memberships, min_size=1, max_size=6))
def test_the_changes_of_every_check_add_up_to_who_is_qualified(checks: list[dict[int, list[int]]]) -> None:
    known: dict[int, Qualification] = {}
    keys: set[str] = set()
    for members in checks:
        before = {contact for contact, entry in known.items() if entry.qualified}
        changes = qualification_changes(members, known, NOW)
        assert {change.contact_id for change in changes} == before ^ set(members)
        assert all(change.list_ids == tuple(sorted(members.get(change.contact_id, []))) for change in changes)
        fresh = {change.dedupe_key for change in changes}
        assert len(fresh) == len(changes)
        assert not fresh & keys
        keys |= fresh
        known |= {change.contact_id: change for change in changes}
        assert {contact for contact, entry in known.items() if entry.qualified} == set(members)
        assert qualification_changes(members, known, NOW) == []


def test_another_list_alone_is_no_change() -> None:
    first = qualification_changes({7: [1]}, {}, NOW)
    assert qualification_changes({7: [2]}, {7: first[0]}, NOW) == []
