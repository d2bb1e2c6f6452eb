"""Events posted for a topic: published once each, refused ones kept as dead letters."""

import json
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from hubspot_platform.cli.main import app
from hubspot_platform.gateway.doors import topic_door
from hubspot_platform.gateway.exchange import Delivery
from hubspot_platform.runtime import Platform
from hubspot_platform.state import topics
from hubspot_platform.state.inbox import NewEvent
from hubspot_platform.topics.catalogue import subscriptions
from hubspot_platform_tests.support.received import NOON, TOPICS, bare_platform, receive, work

TOPIC = "company_metadata_changed"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with bare_platform(tmp_path, url) as opened:
        yield opened


def posted(number: int, topic: str = TOPIC, **fields: object) -> NewEvent:
    document = {"event_id": f"m{number}", "occurred_at": NOON.isoformat(), "company_id": number, **fields}
    return NewEvent("topic", TOPICS, topic, f"{topic}:{number}", f"{topic}:{number}", NOON, orjson.dumps(document))


def test_a_posted_event_waits_for_its_subscriber_once(platform: Platform) -> None:
    receive(platform, [posted(1), posted(2)])
    assert work(platform, TOPICS).applied == 2
    again = NewEvent(**{**vars(posted(2)), "dedupe_key": "sent by another route"})
    receive(platform, [again])
    assert work(platform, TOPICS).applied == 1

    backlogs = platform.state().read(lambda conn: topics.backlogs(conn, subscriptions(platform.settings)))
    waiting = {backlog.subscriber: backlog.waiting for backlog in backlogs if backlog.topic == TOPIC}
    assert waiting == {"matrix.hubspot_company_aggregator": 2}


def test_what_the_door_takes_is_published_with_the_key_of_its_model(platform: Platform) -> None:
    body = posted(7).body
    receive(platform, topic_door(platform.settings, TOPIC).read(Delivery(f"/events/{TOPIC}", {}, body, 0)))

    assert work(platform, TOPICS).applied == 1
    (event,) = platform.state().read(lambda conn: topics.read_after(conn, TOPIC, 0))
    assert (event.key, event.dedupe_key) == ("7", f"{TOPIC}:m7")


def test_the_command_shows_what_waits_for_each_subscriber(tmp_path: Path) -> None:
    with bare_platform(tmp_path, None) as platform:
        receive(platform, [posted(1), posted(2)])
        work(platform, TOPICS)
    environment = {"PLATFORM_HOME": str(tmp_path), "STATE_URL": "", "WAREHOUSE_URL": "", "TOPIC_TRANSPORT": ""}
    done = CliRunner().invoke(app, ["topics", "--json"], env=environment)
    assert done.exit_code == 0, done.output
    (subscriber,) = json.loads(done.stdout)[TOPIC]["subscribers"]
    assert (subscriber["subscriber"], subscriber["waiting"], subscriber["missed"]) == (
        "matrix.hubspot_company_aggregator",
        2,
        0,
    )


def test_what_does_not_fit_its_topic_is_a_dead_letter(platform: Platform) -> None:
    receive(platform, [posted(1, secret="x"), posted(2, topic="nobody_knows"), posted(3, company_id=" "), posted(4)])
    report = work(platform, TOPICS)

    assert (report.applied, report.dead) == (1, 3)
    found = platform.state().read(lambda conn: topics.read_after(conn, TOPIC, 0))
    assert [(event.key, event.payload["company_id"]) for event in found] == [("4", "4")]
