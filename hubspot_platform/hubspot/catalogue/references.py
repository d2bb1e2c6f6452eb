"""Reference data without paging windows, always read whole: owners, pipelines, definitions."""

from datetime import timedelta

from hubspot_platform.hubspot.catalogue.collections import COLLECTIONS
from hubspot_platform.hubspot.catalogue.records import DEAL, TICKET
from hubspot_platform.hubspot.reference_types import ReferenceType

OWNERS = ReferenceType(
    name="owners",
    label="Owners",
    tables=("owner", "owner_team"),
    job="sync_hubspot_owners",
    minute=25,
    cadence=timedelta(hours=1),
)
PROPERTIES = ReferenceType(
    name="properties",
    label="Property definitions",
    tables=("property", "property_option"),
    job="sync_hubspot_properties",
    minute=30,
    cadence=timedelta(hours=1),
)
DEAL_PIPELINES = ReferenceType(
    name="deal_pipelines",
    label="Deal pipelines and stages",
    tables=("deal_pipeline", "deal_pipeline_stage"),
    job=DEAL.job,
    minute=DEAL.minute,
    cadence=timedelta(hours=2),
)
TICKET_PIPELINES = ReferenceType(
    name="ticket_pipelines",
    label="Ticket pipelines and stages",
    tables=("ticket_pipeline", "ticket_pipeline_stage"),
    job=TICKET.job,
    minute=TICKET.minute,
    cadence=timedelta(hours=2),
)
CUSTOM_OBJECTS = ReferenceType(
    name="custom_objects",
    label="Custom objects",
    tables=("custom_objects",),
    job="sync_hubspot_custom_objects",
    minute=28,
    cadence=timedelta(hours=1),
)

ENTRIES = (OWNERS, DEAL_PIPELINES, TICKET_PIPELINES, PROPERTIES, CUSTOM_OBJECTS, *COLLECTIONS)
