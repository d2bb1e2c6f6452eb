"""Jira's events: the newest copy of each issue stays, bugs of configured projects are linked to companies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hubspot_platform.jira.tables import ISSUE
from hubspot_platform.runtime import Platform
from hubspot_platform.state import topics
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform.state.issues import jira_company_issue
from hubspot_platform_tests.support.received import JIRA, bare_platform, issue, jira_events, receive, rows, work

FIELD = "customfield_10077"


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    config = tmp_path / "business.toml"
    config.write_text(f'[jira]\nprojects = ["BUG"]\ncompany_field = "{FIELD}"\n')
    with bare_platform(tmp_path, url, platform_config=config) as opened:
        yield opened


def stored(platform: Platform) -> dict[str, tuple[str, bool]]:
    """Issue -> summary and whether it was deleted."""
    found = rows(platform, f"select issue_key, summary, is_deleted from {ISSUE.qualified}")
    return {row["issue_key"]: (row["summary"], row["is_deleted"]) for row in found}


def links(platform: Platform) -> dict[str, tuple[str | None, bool]]:
    """Issue -> company and whether the link is archived."""
    query = sa.select(jira_company_issue)
    found = platform.state().read(lambda conn: conn.execute(query).mappings().all())
    return {row["issue_key"]: (row["company_id"], row["archived"]) for row in found}


def told(platform: Platform) -> list[tuple[str, str]]:
    found = platform.state().read(lambda conn: topics.read_after(conn, "jira_events_webhook", 0))
    return [(event.key, event.payload["webhook_event"]) for event in found]


def test_a_bug_is_linked_to_the_company_of_the_configured_field(platform: Platform) -> None:
    documents = [
        issue("BUG-1", at=1, **{FIELD: " 501 "}),
        issue("BUG-2", at=2, **{FIELD: {"value": "502"}}),
        issue("BUG-3", at=3, **{FIELD: 503.0}),
        issue("BUG-4", at=4),
        issue("BUG-5", at=5, kind="Story", **{FIELD: "505"}),
        issue("WEB-6", at=6, **{FIELD: "506"}),
    ]
    receive(platform, jira_events(documents))

    assert work(platform, JIRA).applied == 6
    assert links(platform) == {
        "BUG-1": ("501", False),
        "BUG-2": ("502", False),
        "BUG-3": ("503", False),
        "BUG-4": (None, False),
    }
    assert set(stored(platform)) == {"BUG-1", "BUG-2", "BUG-3", "BUG-4", "BUG-5", "WEB-6"}
    assert [key for key, _ in told(platform)] == ["BUG-1", "BUG-2", "BUG-3", "BUG-4"]


def test_case_024_an_older_event_of_an_issue_changes_nothing(platform: Platform) -> None:
    receive(platform, jira_events([issue("BUG-1", at=20, **{FIELD: "2"})]))
    work(platform, JIRA)
    receive(platform, jira_events([issue("BUG-1", at=10, **{FIELD: "1"})]))

    assert work(platform, JIRA).duplicates == 1
    assert stored(platform) == {"BUG-1": ("at 20", False)}
    assert links(platform) == {"BUG-1": ("2", False)}
    assert len(told(platform)) == 1


def test_case_025_at_one_instant_the_outcome_does_not_depend_on_the_order(platform: Platform) -> None:
    first, second = issue("BUG-1", at=5), issue("BUG-1", at=5)
    first["issue"]["fields"]["summary"], second["issue"]["fields"]["summary"] = "a", "b"
    (a,), (b,) = jira_events([first]), jira_events([second])
    a, b = (NewEvent(**{**vars(event), "dedupe_key": key}) for event, key in ((a, "1"), (b, "2")))
    for events in ([a, b], [b, a]):
        receive(platform, events)
        work(platform, JIRA)
        assert stored(platform) == {"BUG-1": ("b", False)}


def test_case_026_a_deletion_archives_and_a_late_update_does_not_bring_it_back(platform: Platform) -> None:
    receive(platform, jira_events([issue("BUG-1", at=1, **{FIELD: "1"})]))
    work(platform, JIRA)
    gone = issue("BUG-1", at=30, event="jira:issue_deleted", **{FIELD: "1"})
    receive(platform, jira_events([gone]))
    receive(platform, jira_events([issue("BUG-1", at=20, **{FIELD: "9"})]))
    work(platform, JIRA)

    assert stored(platform) == {"BUG-1": ("at 30", True)}
    assert links(platform) == {"BUG-1": ("1", True)}
    assert told(platform) == [("BUG-1", "jira:issue_updated"), ("BUG-1", "jira:issue_deleted")]


def test_a_bug_that_becomes_a_story_is_let_go(platform: Platform) -> None:
    receive(platform, jira_events([issue("BUG-1", at=1, **{FIELD: "1"})]))
    work(platform, JIRA)
    receive(platform, jira_events([issue("BUG-1", at=2, kind="Story", **{FIELD: "1"})]))
    work(platform, JIRA)

    assert links(platform) == {"BUG-1": ("1", True)}
    assert len(told(platform)) == 2


def test_a_bug_that_moves_to_another_project_is_one_bug(platform: Platform) -> None:
    receive(platform, jira_events([issue("BUG-1", at=1, **{FIELD: "1"})]))
    work(platform, JIRA)
    moved = issue("WEB-9", at=2, **{FIELD: "1"})
    moved["changelog"] = {"items": [{"field": "Key", "fromString": "BUG-1", "toString": "WEB-9"}]}
    receive(platform, jira_events([moved]))

    assert work(platform, JIRA).applied == 1
    assert stored(platform) == {"BUG-1": ("at 2", True), "WEB-9": ("at 2", False)}
    assert links(platform) == {"BUG-1": ("1", True)}
    assert told(platform) == [("BUG-1", "jira:issue_updated"), ("BUG-1", "jira:issue_deleted")]


def test_case_013_what_is_no_event_of_an_issue_is_a_dead_letter(platform: Platform) -> None:
    wrong = [b"[]", b"{", b'{"webhookEvent": "comment_created", "timestamp": 5}', b'{"webhookEvent": "x"}']
    events = [NewEvent("jira", JIRA, "x", f"x:{n}", f"x:{n}", None, body) for n, body in enumerate(wrong)]
    receive(platform, [*events, *jira_events([issue("BUG-1", at=1)])])

    report = work(platform, JIRA)
    assert (report.applied, report.dead) == (1, len(wrong))
    assert set(stored(platform)) == {"BUG-1"}
