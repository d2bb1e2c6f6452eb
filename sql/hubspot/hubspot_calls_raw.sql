-- description: One row per live call with the fields the sales metrics read, the contact it was with and the whole
--   record as JSON. Archived and deleted calls are left out.
-- grain: hubspot_id
-- owner: team:revops
-- index: idx_calls_to_number: call_to_number
-- index: idx_calls_timestamp: call_timestamp
-- index: idx_calls_duration: call_duration
-- index: idx_calls_raw_json: raw_json
-- check: has_call_timestamp warn: not_null(call_timestamp)
-- check: duration_not_negative warn: coalesce(call_duration, 0) >= 0
-- check: duration_readable warn: call_duration is not null
--   or tidy(json_text(json_part(raw_json, 'properties'), 'hs_call_duration')) is null
-- check: customer_number_readable warn: customer_number is null or customer_e164 is not null
-- column: hubspot_id: The call's id in HubSpot.
-- column: call_duration: How long the call took, in milliseconds; null when unknown or beyond 18 digits.
-- column: call_direction: INBOUND or OUTBOUND.
-- column: call_to_number: The number that was called, as typed.
-- column: call_from_number: The number that called, as typed.
-- column: call_timestamp: When the call took place; the metrics count it on this day.
-- column: call_disposition: The id of the outcome.
-- column: hubspot_owner_id: The id of the call's owner; null without one.
-- column: call_to_e164: The called number in E.164; null when it is not valid.
-- column: call_from_e164: The calling number in E.164; null when it is not valid.
-- column: customer_number: The other side's number as typed: the calling one of inbound calls, else the called one.
-- column: customer_e164: The other side's number in E.164; null when it is not valid.
-- column: contact_id: The live contact with that number that was created last at or before the call, else the one
--   created first; null when nobody has the number.
-- column: raw_json: All properties, and the ids of the associated contacts and deals in ascending order.
-- column: synced_at: When the mirror last read the call.
-- column: updated_at: When HubSpot last changed the call.
with reading as (
    select
        e.engagement_id,
        nullif(trim(cast(e.property_hs_call_to_number as text)), '') as to_number,
        nullif(trim(cast(e.property_hs_call_from_number as text)), '') as from_number,
        number_of(cast(e.property_hs_call_duration as text)) as duration,
        t.phone_e164 as to_e164,
        f.phone_e164 as from_e164,
        coalesce(upper(trim(cast(e.property_hs_call_direction as text))) = 'INBOUND', false) as is_inbound,
        cast(e.property_hs_timestamp as timestamptz) as called_at
    from hubspot.engagement_call as e
    left join hubspot.phone_number as t on t.raw = cast(e.property_hs_call_to_number as text) and t.country = ''
    left join hubspot.phone_number as f on f.raw = cast(e.property_hs_call_from_number as text) and f.country = ''
    where not coalesce(e.is_deleted, false) and not coalesce(e._fivetran_deleted, false)
),

candidate as (
    select
        r.engagement_id,
        c.hubspot_id as contact_id,
        row_number() over (
            partition by r.engagement_id
            order by
                case when c.createdate <= r.called_at then 0 else 1 end asc nulls last,
                case when c.createdate <= r.called_at then c.createdate end desc nulls last,
                c.createdate asc nulls last,
                cast(c.hubspot_id as bigint) asc nulls last
        ) as place
    from reading as r
    join hubspot.hubspot_contacts_raw as c
        on c.phone_e164 = case when r.is_inbound then r.from_e164 else r.to_e164 end
),

associated_contact as (
    select distinct
        a.engagement_id,
        a.contact_id as id
    from hubspot.engagement_contact as a
    left join hubspot.contact as c on c.id = a.contact_id
    where not coalesce(c.is_deleted, false)
),

call_contacts as (
    select
        a.engagement_id,
        string_agg(
            '{"id":"' || cast(a.id as text) || '","type":"call_to_contact"}', ',' order by a.id asc nulls first
        ) as results
    from associated_contact as a
    group by a.engagement_id
),

associated_deal as (
    select distinct
        a.engagement_id,
        a.deal_id as id
    from hubspot.engagement_deal as a
    left join hubspot.deal as d on d.deal_id = a.deal_id
    where not coalesce(d.is_deleted, false)
),

call_deals as (
    select
        a.engagement_id,
        string_agg(
            '{"id":"' || cast(a.id as text) || '","type":"call_to_deal"}', ',' order by a.id asc nulls first
        ) as results
    from associated_deal as a
    group by a.engagement_id
)

select
    cast(e.engagement_id as text) as hubspot_id,
    cast(
        case when r.duration between -999999999999999999 and 999999999999999999 then r.duration end as bigint
    ) as call_duration,
    cast(nullif(trim(cast(e.property_hs_call_direction as text)), '') as text) as call_direction,
    cast(r.to_number as text) as call_to_number,
    cast(r.from_number as text) as call_from_number,
    cast(r.called_at as timestamptz) as call_timestamp,
    cast(nullif(trim(cast(e.property_hs_call_disposition as text)), '') as text) as call_disposition,
    cast(nullif(trim(cast(e.property_hubspot_owner_id as text)), '') as text) as hubspot_owner_id,
    cast(r.to_e164 as text) as call_to_e164,
    cast(r.from_e164 as text) as call_from_e164,
    cast(case when r.is_inbound then r.from_number else r.to_number end as text) as customer_number,
    cast(case when r.is_inbound then r.from_e164 else r.to_e164 end as text) as customer_e164,
    cast(m.contact_id as text) as contact_id,
    cast(
        '{"properties":' || coalesce(cast(json_part(e.raw_json, 'properties') as text), '{}')
        || ',"associations":{"contacts":{"results":[' || coalesce(cc.results, '')
        || ']},"deals":{"results":[' || coalesce(cd.results, '') || ']}}}' as json
    ) as raw_json,
    cast(e._fivetran_synced as timestamptz) as synced_at,
    cast(e.updated_at as timestamptz) as updated_at
from hubspot.engagement_call as e
join reading as r on r.engagement_id = e.engagement_id
left join candidate as m on m.engagement_id = e.engagement_id and m.place = 1
left join call_contacts as cc on cc.engagement_id = e.engagement_id
left join call_deals as cd on cd.engagement_id = e.engagement_id
