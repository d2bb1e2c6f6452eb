"""`hubspot-platform topics`: the topics, who publishes and who subscribes, and what waits for each subscriber."""

from dataclasses import asdict
from typing import Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.settings import load_settings


def command(as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False) -> None:
    """Show the topics and how many events their subscribers have not read, also those whose worker is to come."""
    from hubspot_platform.runtime import Platform
    from hubspot_platform.state import topics
    from hubspot_platform.topics.catalogue import TOPICS, subscriptions

    output, settings = Output(as_json), load_settings()
    platform = Platform(settings)
    backlogs = platform.state().read(lambda conn: topics.backlogs(conn, subscriptions(settings)))
    platform.close()
    of_topic = {name: [each for each in backlogs if each.topic == name] for name in TOPICS}
    rows = [
        [
            each.topic,
            each.subscriber,
            each.waiting,
            f"{each.oldest_at:%Y-%m-%d %H:%M}" if each.oldest_at else "",
            each.missed,
        ]
        for each in backlogs
    ]
    output.table("Waiting in topics", ["topic", "subscriber", "waiting", "oldest", "missed"], rows)
    output.result(
        {
            name: {
                "publisher": entry.publisher,
                "description": entry.description,
                "subscribers": [asdict(each) for each in of_topic[name]],
            }
            for name, entry in TOPICS.items()
        }
    )
