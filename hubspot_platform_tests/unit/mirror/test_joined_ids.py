"""Ids that models join are of one type on both sides: PostgreSQL compares no text with a number."""

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, TICKET
from hubspot_platform.mirror.reference import REFERENCE_TABLES
from hubspot_platform.mirror.tables import layout_for
from hubspot_platform.warehouse.model import Table

JOINS = """
owner.active_user_id users.id
team_user.user_id users.id
users.role_id role.id
users.primary_team_id team.id
team_user.team_id team.id
owner_team.team_id team.id
owner_team.owner_id owner.owner_id
deal.owner_id owner.owner_id
ticket.property_hubspot_owner_id owner.owner_id
deal.deal_pipeline_id deal_pipeline.pipeline_id
deal.deal_pipeline_stage_id deal_pipeline_stage.stage_id
deal_pipeline_stage.pipeline_id deal_pipeline.pipeline_id
ticket.property_hs_pipeline ticket_pipeline.pipeline_id
ticket.property_hs_pipeline_stage ticket_pipeline_stage.stage_id
ticket_pipeline_stage.pipeline_id ticket_pipeline.pipeline_id
contact_list_member.contact_list_id contact_list.id
contact_list_member.contact_id contact.id
contact_form_submission.contact_id contact.id
contact_form_submission.form_id form.guid
email_event.email_campaign_id email_campaign.id
email_event.sent_by_id email_event.id
email_event_open.id email_event.id
property_option.property_id property._fivetran_id
property_option.hubspot_object property.hubspot_object
"""


def tables() -> dict[str, Table]:
    """Return the mirror's tables by name, objects as in a portal without properties of its own."""
    objects = [layout_for(obj, [], {}).table for obj in (CONTACT, DEAL, TICKET)]
    collections = [table for kind in REFERENCE_TABLES.values() for table in kind]
    return {table.name: table for table in [*objects, *collections]}


@pytest.mark.parametrize("join", JOINS.split("\n")[1:-1])
def test_joined_ids_have_one_type(join: str) -> None:
    sides = [tuple(side.split(".")) for side in join.split()]
    assert len({tables()[table].column(column).type for table, column in sides}) == 1
