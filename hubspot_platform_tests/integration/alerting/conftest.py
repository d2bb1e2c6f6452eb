"""Both state stores with a clock the test moves, and Slack as the sandbox plays it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from hubspot_platform.alerting.messages import Mentions
from hubspot_platform.automation.alert_delivery import Counter
from hubspot_platform.connectors.slack import SlackConnector
from hubspot_platform.state import Store, migrate, open_state
from hubspot_platform_tests.support.portal import Portal, portal
from hubspot_platform_tests.support.stores import migrated_sqlite

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
TOKEN = "xoxb-sandbox-bot"


@dataclass
class HandClock:
    """A clock that moves when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **length: float) -> datetime:
        self.now += timedelta(**length)
        return self.now

    def pause(self, seconds: float) -> None:
        """Pass the time a sender would sleep."""
        self.forward(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, clock: HandClock, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = migrated_sqlite(tmp_path / "state.sqlite")
    else:
        url = request.getfixturevalue("postgres_url")
    opened = open_state(url, clock)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def small_store(clock: HandClock, tmp_path: Path) -> Iterator[Store]:
    """SQLite only, for tests of what does not depend on the engine."""
    opened = open_state(migrated_sqlite(tmp_path / "small.sqlite"), clock)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    with portal() as running:
        yield running


@pytest.fixture
def slack(sandbox: Portal) -> Iterator[Portal]:
    """The sandbox with an empty channel and no faults."""
    sandbox.admin("slack/messages", method="DELETE")
    sandbox.admin("slack/fault", {})
    yield sandbox
    sandbox.admin("slack/fault", {})


@pytest.fixture
def counter(slack: Portal) -> Counter:
    connector = SlackConnector.with_secret(SecretStr(TOKEN), slack.slack_url)
    return Counter(connector, "#hubspot-alerts", Mentions(on_call="<!subteam^S1>", lead="<@U9>"))
