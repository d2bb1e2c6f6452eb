-- description: One row per live call with what it adds to each metric that counts calls: a column per metric, null where
--   the call does not count. Every other table of metrics reads these columns.
-- grain: call_id
-- owner: team:revops
-- index: idx_call_metric_call_timestamp: call_timestamp
-- column: call_id: The call's id in HubSpot.
-- column: call_timestamp: When the call took place; all metrics of this table count it then.
-- column: owner_id: The owner of the call, `unassigned` without one.
-- column: contact_id: The contact the call was with, whose variants are the call's; null when unmatched.
-- column: sales_script_version: That contact's version of the sales script, `unknown` without one.
-- column: vsl_watched: Whether that contact watched the sales video: yes, no or unknown.
-- column: previous_at: When the contact was called before this call; null when it is the first or unmatched.
-- column: previous_of_owner_at: When the contact was called before this call by the same owner; null likewise.
-- column: calls_total: 1.
-- column: average_call_minutes: The duration in milliseconds where it is more than 0.
-- column: total_call_hours: The duration in milliseconds, 0 when unknown.
-- column: pickup_rate: 1 when the call was connected and took 4 minutes or more, else 0.
-- column: five_minute_reached_rate: 1 when the call took 5 minutes or more, else 0.
-- column: call_to_close_rate: Of a matched call, 1 when a won deal of the contact, in any position, closed at or after
--   the call, else 0. A period takes the contact's first call in it.
with last_win as (
    select
        cast(a.contact_id as text) as contact_id,
        max(d.closedate) as closed_at
    from hubspot.deal_contact as a
    join hubspot.hubspot_deals_raw as d on d.hubspot_id = cast(a.deal_id as text)
    where d.is_won
    group by a.contact_id
),

matched_call as (
    select
        k.hubspot_id as call_id,
        k.contact_id,
        coalesce(k.hubspot_owner_id, 'unassigned') as owner_id,
        k.call_timestamp,
        row_number() over (
            partition by k.contact_id
            order by k.call_timestamp asc nulls last, cast(k.hubspot_id as bigint) asc nulls last
        ) as place,
        row_number() over (
            partition by k.contact_id, coalesce(k.hubspot_owner_id, 'unassigned')
            order by k.call_timestamp asc nulls last, cast(k.hubspot_id as bigint) asc nulls last
        ) as place_of_owner
    from hubspot.hubspot_calls_raw as k
    where k.contact_id is not null
)

select
    cast(k.hubspot_id as text) as call_id,
    cast(k.call_timestamp as timestamptz) as call_timestamp,
    cast(coalesce(k.hubspot_owner_id, 'unassigned') as text) as owner_id,
    cast(k.contact_id as text) as contact_id,
    cast(coalesce(v.sales_script_version, 'unknown') as text) as sales_script_version,
    cast(coalesce(v.vsl_watched, 'unknown') as text) as vsl_watched,
    cast(p.call_timestamp as timestamptz) as previous_at,
    cast(o.call_timestamp as timestamptz) as previous_of_owner_at,
    cast(1 as decimal(38, 10)) as calls_total,
    cast(case when k.call_duration > 0 then k.call_duration end as decimal(38, 10)) as average_call_minutes,
    cast(coalesce(k.call_duration, 0) as decimal(38, 10)) as total_call_hours,
    cast(
        case
            when k.call_duration >= 240000 and lower(k.call_disposition) in (${connected_dispositions}) then 1
            else 0
        end as decimal(38, 10)
    ) as pickup_rate,
    cast(case when k.call_duration >= 300000 then 1 else 0 end as decimal(38, 10)) as five_minute_reached_rate,
    cast(
        case when k.contact_id is null then null when w.closed_at >= k.call_timestamp then 1 else 0 end
        as decimal(38, 10)
    ) as call_to_close_rate
from hubspot.hubspot_calls_raw as k
left join matched_call as m on m.call_id = k.hubspot_id
left join matched_call as p on p.contact_id = m.contact_id and p.place = m.place - 1
left join matched_call as o
    on o.contact_id = m.contact_id and o.owner_id = m.owner_id and o.place_of_owner = m.place_of_owner - 1
left join last_win as w on w.contact_id = k.contact_id
left join metrics.contact_metric as v on v.contact_id = k.contact_id
