-- description: One row per ticket with its status, deleted ones marked.
-- grain: ticket_id
-- owner: team:revops
-- materialized: view
-- check: status_is_in_the_pipeline warn: is_deleted or status_id is null or status_known
-- check: has_a_status warn: is_deleted or status_id is not null
-- column: ticket_id: The ticket's id in HubSpot.
-- column: portal_id: The portal the ticket lives in.
-- column: subject: The ticket's name.
-- column: content: What the ticket is about.
-- column: pipeline_id: The id of the pipeline.
-- column: status_id: The id of the status within the pipeline.
-- column: status_label: What people see as the status; null for a status the pipeline does not have.
-- column: status_known: Whether the ticket's pipeline has this status now.
-- column: is_closed: Whether the status ends the ticket.
-- column: priority: LOW, MEDIUM, HIGH or URGENT.
-- column: category: What kind of ticket it is, as the portal words it.
-- column: owner_id: The id of the ticket's owner; null without one.
-- column: first_agent_reply_at: When somebody first answered.
-- column: closed_at: When the ticket was closed.
-- column: created_at: When the ticket was created in HubSpot.
-- column: updated_at: When HubSpot last changed the ticket.
-- column: archived_at: When the ticket was archived.
-- column: is_deleted: Archived, merged away or gone from the portal.
-- column: raw_json: The ticket as HubSpot returned it.
-- column: synced_at: When the mirror last read the ticket.
select
    cast(t.id as bigint) as ticket_id,
    cast(t.portal_id as bigint) as portal_id,
    cast(nullif(cast(t.property_subject as text), '') as text) as subject,
    cast(nullif(cast(t.property_content as text), '') as text) as content,
    cast(t.property_hs_pipeline as text) as pipeline_id,
    cast(t.property_hs_pipeline_stage as text) as status_id,
    cast(s.label as text) as status_label,
    cast(s.stage_id is not null as boolean) as status_known,
    cast(s.is_closed as boolean) as is_closed,
    cast(nullif(cast(t.property_hs_ticket_priority as text), '') as text) as priority,
    cast(nullif(cast(t.property_hs_ticket_category as text), '') as text) as category,
    cast(nullif(cast(t.property_hubspot_owner_id as text), '') as text) as owner_id,
    cast(t.property_first_agent_reply_date as timestamptz) as first_agent_reply_at,
    cast(t.property_closed_date as timestamptz) as closed_at,
    cast(t.property_createdate as timestamptz) as created_at,
    cast(t.updated_at as timestamptz) as updated_at,
    cast(t.archived_at as timestamptz) as archived_at,
    cast(coalesce(t.is_deleted, false) as boolean) as is_deleted,
    cast(t.raw_json as json) as raw_json,
    cast(t._fivetran_synced as timestamptz) as synced_at
from hubspot.ticket as t
left join hubspot.ticket_pipeline_stage as s
    on s.pipeline_id = t.property_hs_pipeline
    and s.stage_id = t.property_hs_pipeline_stage
    and not coalesce(s._fivetran_deleted, false)
