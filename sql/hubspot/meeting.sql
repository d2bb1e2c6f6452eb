-- description: One row per meeting in HubSpot, deleted ones marked.
-- grain: meeting_id
-- owner: team:revops
-- materialized: view
-- check: has_occurred_at warn: not_null(occurred_at)
-- column: meeting_id: The meeting's id in HubSpot.
-- column: portal_id: The portal the meeting lives in.
-- column: owner_id: The id of the meeting's owner; null without one.
-- column: occurred_at: When the meeting took place.
-- column: title: The meeting's title.
-- column: body: The description, as HTML.
-- column: start_at: When the meeting begins.
-- column: end_at: When the meeting ends.
-- column: outcome: SCHEDULED, COMPLETED, NO_SHOW and the like.
-- column: location: Where it takes place.
-- column: external_url: The link of the calendar entry or the booking.
-- column: created_at: When the meeting was recorded in HubSpot.
-- column: updated_at: When HubSpot last changed the meeting.
-- column: is_deleted: Archived, deleted or gone from the portal.
-- column: raw_json: The meeting as HubSpot returned it.
-- column: synced_at: When the mirror last read the meeting.
select
    cast(e.engagement_id as bigint) as meeting_id,
    cast(e.portal_id as bigint) as portal_id,
    cast(nullif(cast(e.property_hubspot_owner_id as text), '') as text) as owner_id,
    cast(e.property_hs_timestamp as timestamptz) as occurred_at,
    cast(nullif(cast(e.property_hs_meeting_title as text), '') as text) as title,
    cast(nullif(cast(e.property_hs_meeting_body as text), '') as text) as body,
    cast(e.property_hs_meeting_start_time as timestamptz) as start_at,
    cast(e.property_hs_meeting_end_time as timestamptz) as end_at,
    cast(nullif(cast(e.property_hs_meeting_outcome as text), '') as text) as outcome,
    cast(nullif(cast(e.property_hs_meeting_location as text), '') as text) as location,
    cast(nullif(cast(e.property_hs_meeting_external_url as text), '') as text) as external_url,
    cast(e.property_hs_createdate as timestamptz) as created_at,
    cast(e.updated_at as timestamptz) as updated_at,
    cast(coalesce(e.is_deleted, false) as boolean) as is_deleted,
    cast(e.raw_json as json) as raw_json,
    cast(e._fivetran_synced as timestamptz) as synced_at
from hubspot.engagement_meeting as e
