-- description: The newest touch of each company up to its sign-up.
-- grain: company_id
-- owner: team:marketing
-- materialized: view
-- partition: computed_at
-- check: hop_limit_not_reached warn: not hop_limit_reached
select
    cast(a.company_id as text) as company_id,
    cast(a.status as text) as status,
    cast(a.touchpoint_id as text) as touchpoint_id,
    cast(a.channel as text) as channel,
    cast(a.occurred_at as timestamptz) as occurred_at,
    cast(a.campaign as text) as campaign,
    cast(a.source as text) as source,
    cast(a.medium as text) as medium,
    cast(a.term as text) as term,
    cast(a.content as text) as content,
    cast(a.gclid as text) as gclid,
    cast(a.wbraid as text) as wbraid,
    cast(a.gbraid as text) as gbraid,
    cast(a.fbclid as text) as fbclid,
    cast(a.fbp as text) as fbp,
    cast(a.msclkid as text) as msclkid,
    cast(a.li_fat_id as text) as li_fat_id,
    cast(a.client_id as text) as client_id,
    cast(a.email as text) as email,
    cast(a.hop as bigint) as hop,
    cast(a.via_node as text) as via_node,
    cast(a.runner_up_touchpoint_id as text) as runner_up_touchpoint_id,
    cast(a.first_non_direct_touchpoint_id as text) as first_non_direct_touchpoint_id,
    cast(a.last_non_direct_touchpoint_id as text) as last_non_direct_touchpoint_id,
    cast(a.n_touchpoints as bigint) as n_touchpoints,
    cast(a.n_clients as bigint) as n_clients,
    cast(a.n_emails as bigint) as n_emails,
    cast(a.max_hop as bigint) as max_hop,
    cast(a.cycle_detected as boolean) as cycle_detected,
    cast(a.hop_limit_reached as boolean) as hop_limit_reached,
    cast(a.anchor as timestamptz) as anchor,
    cast(a.computed_at as timestamptz) as computed_at,
    cast(a.run_number as bigint) as run_number
from attribution.company_attribution as a
where a.model = 'last'
