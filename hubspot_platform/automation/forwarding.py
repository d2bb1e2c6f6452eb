"""Job `forward_topics`: with a TOPIC_TRANSPORT, what was published goes on to Google Pub/Sub every few minutes."""

import dagster as dg

from hubspot_platform.assets.failures import as_dagster_failure
from hubspot_platform.runtime import Platform
from hubspot_platform.topics.catalogue import TOPICS
from hubspot_platform.topics.pubsub import SCHEME, PubSubTransport
from hubspot_platform.topics.transport import StateTransport, forward


@dg.op(description="Sends on what the topics hold and was not sent before.")
def forward_events(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Send on all topics' events, each at least once."""
    with as_dagster_failure():
        target = PubSubTransport(platform.settings.topic_transport.removeprefix(SCHEME))
        try:
            sent = forward(StateTransport(platform.state()), target, list(TOPICS))
        finally:
            target.close()
    context.add_output_metadata({"events_sent": sent})


@dg.job(
    name="forward_topics",
    description="Sends events of topics on to Google Pub/Sub.",
    executor_def=dg.in_process_executor,
)
def forward_topics() -> None:
    """Send on once."""
    forward_events()
