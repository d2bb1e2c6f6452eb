-- description: What is known of each company's way to its sign-up: its identifiers, its touches, and which touch stands
--   where. The winners of company_attribution are read from here.
-- grain: company_id
-- owner: team:marketing
-- partition: computed_at
-- identifiers: company_id, first_touchpoint_id, first_runner_up_id, limited_touchpoint_id, limited_runner_up_id,
--   last_touchpoint_id, last_runner_up_id, first_non_direct_touchpoint_id, last_non_direct_touchpoint_id
-- column: company_id: The company.
-- column: anchor: The sign-up; the time of the run for a company that has not signed up.
-- column: n_clients: Browsers found.
-- column: n_emails: E-mail addresses found.
-- column: max_hop: The most steps an identifier took; 0 without identifiers.
-- column: cycle_detected: Some identifier can be reached in two ways.
-- column: hop_limit_reached: There are identifiers beyond the fifth step.
-- column: n_touchpoints: Touches that count, up to the anchor.
-- column: first_touchpoint_id: The oldest touch.
-- column: first_runner_up_id: The oldest touch without that one.
-- column: limited_touchpoint_id: The oldest touch of the 28 days before the anchor.
-- column: limited_runner_up_id: The next one.
-- column: last_touchpoint_id: The newest touch.
-- column: last_runner_up_id: The newest touch without that one.
-- column: first_non_direct_touchpoint_id: The oldest touch that is not direct traffic.
-- column: last_non_direct_touchpoint_id: The newest touch that is not direct traffic.
-- column: run_number: Of the runs of the company that were due the newest: 1 or 2 for a delayed one; else 0.
-- column: computed_at: When the table was computed.
with identity as (
    select
        i.company_id,
        sum(case when i.node_type = 'client_id' then 1 else 0 end) as n_clients,
        sum(case when i.node_type = 'email' then 1 else 0 end) as n_emails,
        max(i.hop) as max_hop,
        max(case when i.closes_cycle then 1 else 0 end) as cycles,
        max(case when i.goes_on then 1 else 0 end) as goes_on
    from attribution.company_identity as i
    group by i.company_id
),

place as (
    select
        p.company_id,
        count(*) as n_touchpoints,
        min(case when p.seconds_before <= 2419200 then p.position end) as limited,
        min(case when p.channel <> 'direct' then p.position end) as first_non_direct,
        min(case when p.channel <> 'direct' then p.from_end end) as last_non_direct
    from attribution.company_path as p
    group by p.company_id
),

chosen as (
    select
        p.company_id,
        max(case when p.position = 1 then p.touchpoint_id end) as first_id,
        max(case when p.position = 2 then p.touchpoint_id end) as first_runner_up_id,
        max(case when p.position = l.limited then p.touchpoint_id end) as limited_id,
        max(case when p.position = l.limited + 1 then p.touchpoint_id end) as limited_runner_up_id,
        max(case when p.from_end = 1 then p.touchpoint_id end) as last_id,
        max(case when p.from_end = 2 then p.touchpoint_id end) as last_runner_up_id,
        max(case when p.position = l.first_non_direct then p.touchpoint_id end) as first_non_direct_id,
        max(case when p.from_end = l.last_non_direct then p.touchpoint_id end) as last_non_direct_id
    from attribution.company_path as p
    join place as l on l.company_id = p.company_id
    where
        p.position <= 2
        or p.from_end <= 2
        or p.position = l.limited
        or p.position = l.limited + 1
        or p.position = l.first_non_direct
        or p.from_end = l.last_non_direct
    group by p.company_id
),

delayed as (
    select
        r.entity_id,
        r.run_number,
        row_number() over (
            partition by r.entity_id
            order by r.due_at desc nulls last, r.triggered_at desc nulls last, r.run_number desc nulls last
        ) as place
    from attribution.attribution_run as r
    where r.entity_type = 'company' and r.due_at <= ${as_of}
)

select
    cast(tidy(c.company_id) as text) as company_id,
    cast(coalesce(c.signup_timestamp, ${as_of}) as timestamptz) as anchor,
    cast(coalesce(i.n_clients, 0) as bigint) as n_clients,
    cast(coalesce(i.n_emails, 0) as bigint) as n_emails,
    cast(coalesce(i.max_hop, 0) as bigint) as max_hop,
    cast(coalesce(i.cycles, 0) = 1 as boolean) as cycle_detected,
    cast(coalesce(i.goes_on, 0) = 1 as boolean) as hop_limit_reached,
    cast(coalesce(l.n_touchpoints, 0) as bigint) as n_touchpoints,
    cast(s.first_id as text) as first_touchpoint_id,
    cast(s.first_runner_up_id as text) as first_runner_up_id,
    cast(s.limited_id as text) as limited_touchpoint_id,
    cast(s.limited_runner_up_id as text) as limited_runner_up_id,
    cast(s.last_id as text) as last_touchpoint_id,
    cast(s.last_runner_up_id as text) as last_runner_up_id,
    cast(s.first_non_direct_id as text) as first_non_direct_touchpoint_id,
    cast(s.last_non_direct_id as text) as last_non_direct_touchpoint_id,
    cast(coalesce(d.run_number, 0) as bigint) as run_number,
    cast(${as_of} as timestamptz) as computed_at
from product.company as c
left join delayed as d on d.entity_id = tidy(c.company_id) and d.place = 1
left join identity as i on i.company_id = tidy(c.company_id)
left join place as l on l.company_id = tidy(c.company_id)
left join chosen as s on s.company_id = tidy(c.company_id)
