"""The seeded lists, forms and e-mail events: sizes, determinism, and that nothing is made before it is asked for."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.mailing import EVENT_TYPES, EmailLog
from hubspot_platform.sandbox.options import SandboxOptions
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.record_lists import DYNAMIC, MANUAL, SNAPSHOT
from hubspot_platform.sandbox.seed import build_portal
from hubspot_platform.sandbox.seed.lists import QUALIFIED_LIST

BASE = datetime(2026, 9, 1, tzinfo=UTC)
DAY_MS = 86_400_000


def built(size: str = "small", seed: int = 1) -> Portal:
    return build_portal(SandboxOptions(size=size, seed=seed, base_time=BASE).plan(), PortalClock())


@pytest.fixture(scope="module")
def document() -> Portal:
    return built("document")


def test_nothing_is_made_before_it_is_asked_for() -> None:
    portal = built()
    assert portal.mail._marks is None
    assert all(found._joined is None for found in portal.lists.by_id.values())
    assert all(form._submissions is None for form in portal.forms.by_id.values())


def test_the_document_size_has_lists_of_every_kind(document: Portal) -> None:
    sizes = {f.id: len(document.lists.members(f)) for f in document.lists.live()}
    assert {f.processing for f in document.lists.live()} == {MANUAL, DYNAMIC, SNAPSHOT}
    assert 0 in sizes.values()
    assert 9_000 < sizes[1101] < 11_000
    qualified = {m.record_id for m in document.lists.members(document.lists.by_id[QUALIFIED_LIST])}
    contacts = document.areas["contacts"].store
    stages = Counter(contacts.value(contacts.records[i], "lifecyclestage") for i in qualified)
    assert set(stages) == {"salesqualifiedlead", "opportunity", "customer"}


def test_the_document_size_has_many_events_of_every_type_within_80_days(document: Portal) -> None:
    marks = document.mail.marks()
    assert 60_000 < len(marks) < 120_000
    counted = Counter(m.type for m in marks)
    assert set(counted) == set(EVENT_TYPES)
    assert counted["SENT"] > counted["DELIVERED"] > counted["OPEN"] > counted["CLICK"] > counted["BOUNCE"]
    ages = [(document.base_ms - m.created_ms) / DAY_MS for m in marks]
    assert min(ages) >= 0
    assert 79 < max(ages) <= 80
    assert sum(age < 2 for age in ages) > 1_000


def test_many_events_share_one_instant(document: Portal) -> None:
    instants = Counter(m.created_ms for m in document.mail.marks())
    assert instants.most_common(1)[0][1] >= 30


def test_an_event_shows_what_its_mark_says(document: Portal) -> None:
    marks = document.mail.marks()
    for mark in marks[:: len(marks) // 500]:
        event = document.mail.event(mark)
        assert (event["created"], event["type"]) == (mark.created_ms, mark.type)
        assert document.mail.recipient(mark) == event.get("recipient", "")
    ids = {str(document.mail.event(m)["id"]) for m in marks[:5_000]}
    assert len(ids) == 5_000


def test_the_seed_decides() -> None:
    def facts(portal: Portal) -> tuple[object, ...]:
        newest = next(portal.mail.newest_first(None, None))
        return (
            [portal.lists.members(f) for f in portal.lists.live()],
            [(f.id, f.submissions()) for f in portal.forms.by_id.values()],
            [portal.mail.event(m)["id"] for m in portal.mail.marks()][:50],
            newest,
        )

    one, same, other = facts(built()), facts(built()), facts(built(seed=2))
    assert one == same
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_members_do_not_depend_on_when_they_are_asked_for() -> None:
    early, late = built(), built()
    before = [m.record_id for m in early.lists.members(early.lists.by_id[1101])]
    for portal in (early, late):
        store = portal.areas["contacts"].store
        store.create({"email": "late@example.com"}, portal.base_ms)
        store.archive(before[0], portal.base_ms)
    for portal in (early, late):
        assert [m.record_id for m in portal.lists.members(portal.lists.by_id[1101])] == before[1:]


def test_an_empty_portal_has_nobody_and_nothing() -> None:
    portal = built("empty")
    assert not portal.owners
    assert not portal.people.users
    assert not portal.lists.live()
    assert not portal.forms.by_id
    assert portal.mail.marks() == []
    assert EmailLog().marks() == []


def test_narrow_portals_have_the_same_lists() -> None:
    portal = built("contacts=60,properties=20")
    assert sum(len(portal.lists.members(f)) for f in portal.lists.live() if f.processing == DYNAMIC) > 10
    assert [f.id for f in portal.lists.live()] == [f.id for f in built().lists.live()]
