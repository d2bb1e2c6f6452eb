-- description: One row per call that was logged in HubSpot, deleted ones marked.
-- grain: call_id
-- owner: team:revops
-- materialized: view
-- check: has_occurred_at warn: not_null(occurred_at)
-- check: duration_readable warn: is_deleted or duration_ms is not null
--   or tidy(json_text(json_part(raw_json, 'properties'), 'hs_call_duration')) is null
-- column: call_id: The call's id in HubSpot.
-- column: portal_id: The portal the call lives in.
-- column: owner_id: The id of the call's owner; null without one.
-- column: occurred_at: When the call took place.
-- column: title: The call's title.
-- column: body: The notes of the call, as HTML.
-- column: direction: INBOUND or OUTBOUND.
-- column: disposition: The id of the outcome.
-- column: status: COMPLETED, NO_ANSWER, BUSY and the like.
-- column: duration_ms: How long the call took, in milliseconds; null when unknown or beyond 18 digits.
-- column: from_number: The number that called, as typed.
-- column: to_number: The number that was called, as typed.
-- column: recording_url: Where the recording lies; null without one.
-- column: created_at: When the call was recorded in HubSpot.
-- column: updated_at: When HubSpot last changed the call.
-- column: is_deleted: Archived, deleted or gone from the portal.
-- column: raw_json: The call as HubSpot returned it.
-- column: synced_at: When the mirror last read the call.
select
    cast(e.engagement_id as bigint) as call_id,
    cast(e.portal_id as bigint) as portal_id,
    cast(nullif(cast(e.property_hubspot_owner_id as text), '') as text) as owner_id,
    cast(e.property_hs_timestamp as timestamptz) as occurred_at,
    cast(nullif(cast(e.property_hs_call_title as text), '') as text) as title,
    cast(nullif(cast(e.property_hs_call_body as text), '') as text) as body,
    cast(nullif(cast(e.property_hs_call_direction as text), '') as text) as direction,
    cast(nullif(cast(e.property_hs_call_disposition as text), '') as text) as disposition,
    cast(nullif(cast(e.property_hs_call_status as text), '') as text) as status,
    cast(
        case
            when number_of(cast(e.property_hs_call_duration as text)) between -999999999999999999 and 999999999999999999
                then number_of(cast(e.property_hs_call_duration as text))
        end as bigint
    ) as duration_ms,
    cast(nullif(cast(e.property_hs_call_from_number as text), '') as text) as from_number,
    cast(nullif(cast(e.property_hs_call_to_number as text), '') as text) as to_number,
    cast(nullif(cast(e.property_hs_call_recording_url as text), '') as text) as recording_url,
    cast(e.property_hs_createdate as timestamptz) as created_at,
    cast(e.updated_at as timestamptz) as updated_at,
    cast(coalesce(e.is_deleted, false) as boolean) as is_deleted,
    cast(e.raw_json as json) as raw_json,
    cast(e._fivetran_synced as timestamptz) as synced_at
from hubspot.engagement_call as e
