"""Operational tables that the documents name are readable in the warehouse under `ops`, on every store pair."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from hubspot_platform.ops.copies import READABLE, copy_state
from hubspot_platform.runtime import Platform
from hubspot_platform.state.alerting import hubspot_alerts
from hubspot_platform.state.issues import jira_company_issue
from hubspot_platform_tests.support.platforms import rows
from hubspot_platform_tests.support.received import JIRA, bare_platform, issue, jira_events, receive, work

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ALERT = {
    "alert_id": "a1",
    "fingerprint": "f1",
    "source": "gateway",
    "condition": "store_down",
    "category": "inbox",
    "subject": "gateway",
    "title": "events could not be stored",
    "severity": "critical",
    "state": "open",
    "detail": {"z": 1, "a": ["ü"]},
    "observed": 2.5,
    "first_seen_at": NOON,
    "last_seen_at": NOON,
    "occurrences": 3,
    "consecutive_passes": 0,
    "escalation_level": 1,
}


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("apart", marks=pytest.mark.postgres),
        pytest.param("postgres", marks=pytest.mark.postgres),
    ]
)
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """Both stores embedded, the state apart from a warehouse on PostgreSQL, or both in one database."""
    fixture = {"duckdb": "", "apart": "empty_postgres_url", "postgres": "postgres_url"}[request.param]
    url = request.getfixturevalue(fixture) if fixture else None
    config = tmp_path / "business.toml"
    config.write_text('[jira]\nprojects = ["BUG"]\ncompany_field = "customfield_1"\n')
    more = {"platform_config": config, **({"warehouse_url": url} if request.param == "apart" else {})}
    with bare_platform(tmp_path, None if request.param == "apart" else url, **more) as opened:
        yield opened


def test_the_links_of_bugs_are_readable_as_soon_as_their_worker_is_done(platform: Platform) -> None:
    for number, company in enumerate(("501", "502"), start=1):
        receive(platform, jira_events([issue("BUG-1", at=number, customfield_1=company)]))
        work(platform, JIRA)
        found = rows(platform, "select issue_key, company_id, source, archived from ops.jira_company_issue")
        assert found == [{"issue_key": "BUG-1", "company_id": company, "source": "jira", "archived": False}]


def test_a_copy_has_the_columns_and_values_of_the_state(platform: Platform) -> None:
    platform.state().write(lambda conn: conn.execute(sa.insert(hubspot_alerts), [ALERT]))
    assert copy_state(platform) == {"hubspot_alerts": 1, "jira_company_issue": 0}
    assert copy_state(platform)["hubspot_alerts"] == 1
    platform.warehouse().publish()
    (found,) = rows(platform, "select * from ops.hubspot_alerts")
    assert tuple(found) == tuple(column.name for column in hubspot_alerts.columns)
    assert found["detail"] == '{"a":["ü"],"z":1}'
    assert {name: found[name] for name in ALERT if name != "detail"} == {
        n: v for n, v in ALERT.items() if n != "detail"
    }
    assert rows(platform, "select * from ops.jira_company_issue") == []
    assert [table.name for table in READABLE] == [hubspot_alerts.name, jira_company_issue.name]


def test_what_was_deleted_in_the_state_is_gone_from_the_copy(platform: Platform) -> None:
    platform.state().write(lambda conn: conn.execute(sa.insert(hubspot_alerts), [ALERT]))
    copy_state(platform)
    platform.state().write(lambda conn: conn.execute(sa.delete(hubspot_alerts)))
    assert copy_state(platform)["hubspot_alerts"] == 0
    platform.warehouse().publish()
    assert rows(platform, "select * from ops.hubspot_alerts") == []
