"""The one list of queues: which worker empties each, and how urgent it is. Nothing else lists queues.

The engine, the sensors, `hubspot-platform process` and the depth shown to people read it. An entry without a handler
names a queue whose events are kept until its worker exists.
"""

from hubspot_platform.errors import UsageError
from hubspot_platform.funnel.profile_changes import record_changes
from hubspot_platform.hubspot.catalogue import CALL, COMPANY, CONTACT, DEAL
from hubspot_platform.ops.copies import copy_issue_links
from hubspot_platform.workers.chargebee import handle_payment_events
from hubspot_platform.workers.hubspot_pull import pull_worker
from hubspot_platform.workers.jira import handle_jira_events
from hubspot_platform.workers.model import Queue
from hubspot_platform.workers.topics import handle_topic_events

QUEUES: tuple[Queue, ...] = (
    Queue(
        "matrix.hubspot_company_webhook_events",
        "HubspotCompanyWebhookRunner",
        0,
        "Changes, creations, merges and deletions of companies in HubSpot.",
        pull_worker(COMPANY),
        record_changes,
    ),
    Queue(
        "matrix.hubspot_contact_webhook_events",
        "HubspotContactWebhookRunner",
        0,
        "Changes, creations, merges, deletions and privacy deletions of contacts in HubSpot.",
        pull_worker(CONTACT),
    ),
    Queue(
        "matrix.hubspot_deals_events",
        "HubspotDealsRunner",
        1,
        "Changes of deals in HubSpot and of what they are associated with.",
        pull_worker(DEAL),
    ),
    Queue(
        "matrix.hubspot_call_webhook_events",
        "HubspotCallWebhookRunner",
        2,
        "Deletions and changes of calls in HubSpot.",
        pull_worker(CALL),
    ),
    Queue(
        "matrix.hubspot_company_aggregator",
        "HubspotCompanyAggregatorWorker",
        0,
        "Companies whose properties in HubSpot may have to change.",
    ),
    Queue("matrix.hubspot_company_updater_new", "HubspotCompanyUpdater", 0, "Batches of company updates for HubSpot."),
    Queue(
        "matrix.hubspot_contact_profile_updater",
        "HubspotContactProfileUpdater",
        1,
        "Contacts whose properties in HubSpot may have to change.",
    ),
    Queue(
        "matrix.hubspot_user_usage_aggregator",
        "HubspotUserUsageAggregatorWorker",
        1,
        "Users whose usage figures may have to change in HubSpot.",
    ),
    Queue("matrix.updated_user_usage_events.hubspot", "HubspotUserUsageRunner", 1, "Usage to send to HubSpot."),
    Queue(
        "matrix.updated_data_events.hubspot",
        "HubspotEventsRunner",
        1,
        "Company and user events, workflow enrolments and e-mails for HubSpot.",
    ),
    Queue("matrix.hubspot.user_bi_data", "HubspotUserBiDataSub", 2, "Analysts' figures of users."),
    Queue("matrix.hubspot.contact_bi_data", "HubspotContactBiDataSub", 2, "Analysts' figures of contacts."),
    Queue(
        "matrix.hubspot_create_payment_request_form",
        "PaymentFormCreatorWorker",
        1,
        "Payment request forms to create in HubSpot.",
    ),
    Queue(
        "matrix.jira_hubspot_events",
        "JiraHubspotIntegrationWorker",
        1,
        "Issues that changed in Jira.",
        handle_jira_events,
        copy_issue_links,
    ),
    Queue(
        "matrix.payment_events",
        "PaymentEventsRunner",
        0,
        "Subscriptions, payments, invoices and coupons that changed in Chargebee.",
        handle_payment_events,
    ),
    Queue(
        "matrix.topic_events",
        "TopicEventsRunner",
        1,
        "Events that Matrix's own services posted for a topic.",
        handle_topic_events,
    ),
    Queue(
        "matrix.delayed_attribution",
        "DelayedAttributionRunner",
        1,
        "Companies whose attribution is looked at again a little later.",
    ),
    Queue(
        "matrix.company_journey_events",
        "CompanyJourneyRunner",
        0,
        "Companies whose stage and managers have to be decided again.",
    ),
)


def queue(name: str) -> Queue:
    """Return the queue of that name, or of that worker; raises UsageError naming the queues."""
    for entry in QUEUES:
        if name in (entry.name, entry.worker):
            return entry
    known = ", ".join(entry.name for entry in QUEUES)
    raise UsageError(f"there is no queue {name!r}", mend=f"use one of: {known}")


def drained() -> tuple[Queue, ...]:
    """Return the queues that have a worker, the most urgent first."""
    return tuple(sorted((entry for entry in QUEUES if entry.handler is not None), key=lambda entry: entry.priority))
