"""The worker of events that other services post to `/events/{topic}`: each is published to its topic."""

from collections.abc import Sequence

from hubspot_platform.hubspot.retry import parse_json
from hubspot_platform.runtime import Platform
from hubspot_platform.state import database_now, topics
from hubspot_platform.state.inbox import Applied, Dead, InboxEvent, Outcome
from hubspot_platform.state.topics import Event
from hubspot_platform.topics.catalogue import TopicError, parse


def handle_topic_events(platform: Platform, events: Sequence[InboxEvent]) -> list[Outcome]:
    """Publish the events once each; `event_type` is the topic's name, the body its payload."""
    outcomes: list[Outcome] = []
    told: list[Event] = []
    for event in events:
        try:
            told.append(parse(event.event_type, parse_json(event.body)).event())
        except ValueError:
            outcomes.append(Dead("the body is no JSON"))
        except TopicError as error:
            outcomes.append(Dead(str(error)))
        else:
            outcomes.append(Applied())
    if told:
        platform.state().write(lambda conn: topics.announce(conn, told, database_now(conn)))
    return outcomes
