-- description: One row per live contact with what it adds to each metric that counts contacts: a column per metric, null
--   where the contact does not count. Every other table of metrics reads these columns.
-- grain: contact_id
-- owner: team:revops
-- index: idx_contact_metric_createdate: createdate
-- column: contact_id: The contact's id in HubSpot.
-- column: createdate: When the contact was created; all metrics of this table count it then.
-- column: owner_id: The owner of the contact, `unassigned` without one.
-- column: sales_script_version: The contact's version of the sales script, `unknown` without one.
-- column: vsl_watched: Whether the contact watched the sales video: yes, no or unknown.
-- column: contact_to_customer_rate: 1 when the contact is on any won deal, in any position and closed at any time, else 0.
-- column: contacts_created: 1.
-- column: followup_rate: 1 when the contact had two calls or more at or after its creation, 0 when it had one.
-- column: average_followups: The contact's calls at or after its creation, less the first; null without a call.
-- column: time_to_first_contact_hours: Seconds from the creation to the first call at or after it; null without a call.
with customer as (
    select distinct cast(a.contact_id as text) as contact_id
    from hubspot.deal_contact as a
    join hubspot.hubspot_deals_raw as d on d.hubspot_id = cast(a.deal_id as text)
    where d.is_won
),

called_contact as (
    select
        c.hubspot_id as contact_id,
        count(*) as calls,
        min(k.call_timestamp) as first_call_at
    from hubspot.hubspot_contacts_raw as c
    join hubspot.hubspot_calls_raw as k on k.contact_id = c.hubspot_id and k.call_timestamp >= c.createdate
    group by c.hubspot_id
)

select
    cast(c.hubspot_id as text) as contact_id,
    cast(c.createdate as timestamptz) as createdate,
    cast(coalesce(c.hubspot_owner_id, 'unassigned') as text) as owner_id,
    cast(coalesce(c.sales_script_version, 'unknown') as text) as sales_script_version,
    cast(case when c.vsl_watched then 'yes' when not c.vsl_watched then 'no' else 'unknown' end as text) as vsl_watched,
    cast(case when b.contact_id is null then 0 else 1 end as decimal(38, 10)) as contact_to_customer_rate,
    cast(1 as decimal(38, 10)) as contacts_created,
    cast(case when k.calls >= 2 then 1 when k.calls = 1 then 0 end as decimal(38, 10)) as followup_rate,
    cast(k.calls - 1 as decimal(38, 10)) as average_followups,
    cast(seconds_between(c.createdate, k.first_call_at) as decimal(38, 10)) as time_to_first_contact_hours
from hubspot.hubspot_contacts_raw as c
left join customer as b on b.contact_id = c.hubspot_id
left join called_contact as k on k.contact_id = c.hubspot_id
