-- description: How each company's sign-up is shared among its touches, by three rules, to 12 places. The shares of one
--   company add up to exactly 1 under each rule: what rounding leaves goes to the last touch, or to the second in
--   between.
-- grain: company_id, touchpoint_id
-- owner: team:marketing
-- partition: occurred_at
-- identifiers: touchpoint_id
-- check: shares_between_0_and_1 error:
--   linear between 0 and 1 and position_based between 0 and 1 and time_decay between 0 and 1
-- column: company_id: The company.
-- column: touchpoint_id: The touch.
-- column: position: 1 for the oldest touch.
-- column: channel: The touch's channel.
-- column: occurred_at: When it happened.
-- column: linear: The same share for each touch.
-- column: position_based: 0.4 for the first and the last touch, the rest equally in between; halves for two touches.
-- column: time_decay: A share that halves with every 7 days before the sign-up.
with total as (
    select
        p.company_id,
        count(*) as n,
        min(p.seconds_before) as nearest
    from attribution.company_path as p
    group by p.company_id
),

rule as (
    select
        t.company_id,
        t.n,
        t.nearest,
        share_of(1, t.n) as linear,
        case when t.n > 2 then share_of(1, 5 * (t.n - 2)) end as between_each
    from total as t
),

weighed as (
    select
        p.company_id,
        p.touchpoint_id,
        p.position,
        p.channel,
        p.occurred_at,
        r.n,
        r.linear,
        r.between_each,
        half_life_weight(p.seconds_before - r.nearest, 7) as weight
    from attribution.company_path as p
    join rule as r on r.company_id = p.company_id
),

weight as (
    select
        w.company_id,
        sum(w.weight) as weight
    from weighed as w
    group by w.company_id
),

shared as (
    select
        w.company_id,
        w.touchpoint_id,
        w.position,
        w.channel,
        w.occurred_at,
        w.n,
        w.linear,
        w.between_each,
        share_of(w.weight, a.weight) as time_decay
    from weighed as w
    join weight as a on a.company_id = w.company_id
),

others as (
    select
        s.company_id,
        sum(s.time_decay) as time_decay
    from shared as s
    where s.position < s.n
    group by s.company_id
)

select
    cast(s.company_id as text) as company_id,
    cast(s.touchpoint_id as text) as touchpoint_id,
    cast(s.position as bigint) as position,
    cast(s.channel as text) as channel,
    cast(s.occurred_at as timestamptz) as occurred_at,
    cast(
        case when s.position = s.n then 1 - (s.n - 1) * s.linear else s.linear end as decimal(38, 26)
    ) as linear,
    cast(
        case
            when s.n = 1 then 1
            when s.n = 2 then 0.5
            when s.position = 1 or s.position = s.n then 0.4
            when s.position = 2 then 0.2 - (s.n - 3) * s.between_each
            else s.between_each
        end as decimal(38, 26)
    ) as position_based,
    cast(
        case when s.position = s.n then 1 - coalesce(o.time_decay, 0) else s.time_decay end as decimal(38, 26)
    ) as time_decay
from shared as s
left join others as o on o.company_id = s.company_id
