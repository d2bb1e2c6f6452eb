-- description: One row per deal with its stage, deleted ones marked.
-- grain: deal_id
-- owner: team:revops
-- materialized: view
-- check: stage_is_in_the_pipeline warn: is_deleted or stage_id is null or stage_known
-- check: has_a_stage warn: is_deleted or stage_id is not null
-- column: deal_id: The deal's id in HubSpot.
-- column: portal_id: The portal the deal lives in.
-- column: deal_name: The deal's name.
-- column: amount: In the deal's currency, as HubSpot returned it.
-- column: currency: ISO 4217 code of the deal's currency; null when the portal has one only.
-- column: pipeline_id: The id of the pipeline.
-- column: stage_id: The id of the stage within the pipeline.
-- column: stage_label: What people see as the stage; null for a stage the pipeline does not have.
-- column: stage_known: Whether the deal's pipeline has this stage now.
-- column: is_closed: Whether the stage ends the deal, won or lost.
-- column: is_won: Whether the stage is a won one by the pipeline's settings.
-- column: owner_id: The id of the deal's owner; null without one.
-- column: close_date: When the deal was won or lost, or is expected to be.
-- column: description: What people wrote about the deal.
-- column: created_at: When the deal was created in HubSpot.
-- column: updated_at: When HubSpot last changed the deal.
-- column: archived_at: When the deal was archived.
-- column: is_deleted: Archived, merged away or gone from the portal.
-- column: raw_json: The deal as HubSpot returned it.
-- column: synced_at: When the mirror last read the deal.
select
    cast(d.deal_id as bigint) as deal_id,
    cast(d.portal_id as bigint) as portal_id,
    cast(nullif(cast(d.property_dealname as text), '') as text) as deal_name,
    cast(d.property_amount as decimal(38, 10)) as amount,
    cast(nullif(cast(d.property_deal_currency_code as text), '') as text) as currency,
    cast(d.deal_pipeline_id as text) as pipeline_id,
    cast(d.deal_pipeline_stage_id as text) as stage_id,
    cast(s.label as text) as stage_label,
    cast(s.stage_id is not null as boolean) as stage_known,
    cast(s.is_closed as boolean) as is_closed,
    cast(s.closed_won as boolean) as is_won,
    cast(cast(d.owner_id as text) as text) as owner_id,
    cast(d.property_closedate as timestamptz) as close_date,
    cast(nullif(cast(d.property_description as text), '') as text) as description,
    cast(d.property_createdate as timestamptz) as created_at,
    cast(d.updated_at as timestamptz) as updated_at,
    cast(d.archived_at as timestamptz) as archived_at,
    cast(coalesce(d.is_deleted, false) as boolean) as is_deleted,
    cast(d.raw_json as json) as raw_json,
    cast(d._fivetran_synced as timestamptz) as synced_at
from hubspot.deal as d
left join hubspot.deal_pipeline_stage as s
    on s.pipeline_id = d.deal_pipeline_id
    and s.stage_id = d.deal_pipeline_stage_id
    and not coalesce(s._fivetran_deleted, false)
