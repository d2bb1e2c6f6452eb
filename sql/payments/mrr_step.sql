-- description: How the MRR of every state of every subscription comes about, step by step, in the subscription's
--   currency. A state lasts until the subscription or a coupon changes or a coupon ends; what the steps change adds up
--   to its MRR.
-- grain: subscription_id, state_from, line_no
-- owner: team:revops
-- check: known_step error: accepted_values(step, 'status', 'line', 'refused', 'fixed_on_line', 'percentage_on_line', 'fixed_on_invoice', 'percentage_on_invoice')
-- check: never_below_zero error: after >= 0 and before >= 0
-- check: coupons_only_reduce error: kind <> 'coupon' or after <= before
-- column: subscription_id: The subscription's id at the biller.
-- column: state_from: When the state began.
-- column: line_no: The order of the steps; it has gaps, payments.mrr_line counts from 1.
-- column: kind: plan, addon, coupon, or subscription for what concerns the whole.
-- column: ref: The item price, the coupon or the status.
-- column: target: The item price a coupon was applied to; null for the whole invoice.
-- column: bundle: seats, ops, hr, comms or other; addons only.
-- column: step: status, line, refused, fixed_on_line, percentage_on_line, fixed_on_invoice, percentage_on_invoice.
-- column: before: MRR before the step: of the line, or of the whole invoice.
-- column: after: MRR after the step.
-- column: flag: What was noticed; null when nothing was.
with start as (
    select c.subscription_id, c.version, c.since as state_from
    from payments.subscription_copy as c
    union all
    select u.subscription_id, u.version, u.apply_till
    from payments.subscription_coupon as u
    join payments.subscription_copy as c on c.subscription_id = u.subscription_id and c.version = u.version
    where
        c.counts
        and u.duration_type = 'limited_period'
        and u.apply_till > c.since
        and (c.until is null or u.apply_till < c.until)
        and u.apply_till <= ${as_of}
    union all
    select u.subscription_id, u.version, u.in_force_from
    from payments.subscription_coupon as u
    join payments.subscription_copy as c on c.subscription_id = u.subscription_id and c.version = u.version
    where c.counts and u.in_force_from > c.since
),

state as (
    select distinct s.subscription_id, s.version, s.state_from
    from start as s
),

line as (
    select
        s.subscription_id,
        s.state_from,
        l.position,
        l.kind,
        l.ref,
        l.bundle,
        l.amount,
        l.months_above,
        l.months_below,
        l.flag
    from payments.subscription_line as l
    join payments.subscription_copy as c on c.subscription_id = l.subscription_id and c.version = l.version
    join state as s on s.subscription_id = l.subscription_id and s.version = l.version
    where c.counts
),

in_force as (
    select
        s.subscription_id,
        s.version,
        s.state_from,
        u.coupon_no,
        u.coupon_id,
        u.step,
        u.percentage,
        u.amount,
        u.target,
        u.refused
    from payments.subscription_coupon as u
    join payments.subscription_copy as c on c.subscription_id = u.subscription_id and c.version = u.version
    join state as s on s.subscription_id = u.subscription_id and s.version = u.version
    where
        c.counts
        and (u.counts or u.refused = 'unknown_coupon')
        and (u.in_force_from is null or u.in_force_from <= s.state_from)
        and (u.in_force_until is null or u.in_force_until > s.state_from)
        and (u.duration_type is null or u.duration_type <> 'limited_period' or u.apply_till is null or u.apply_till > s.state_from)
),

constraint_of as (
    select
        u.subscription_id,
        u.version,
        u.coupon_no,
        lower(json_text(t.item, 'item_type')) as kind,
        json_part(t.item, 'item_price_ids') as refs,
        lower(
            coalesce(
                json_text(t.item, 'constraint'),
                case when json_part(t.item, 'item_price_ids') is null then 'all' else 'specific' end
            )
        ) as extent
    from payments.subscription_coupon as u
    cross join lateral json_items(u.targets) as t
    where u.step in (1, 2)
),

target_ref as (
    select n.subscription_id, n.version, n.coupon_no, n.kind, coalesce(tidy(trim(cast(r.item as text), '"')), '') as ref
    from constraint_of as n
    cross join lateral json_items(n.refs) as r
    where n.extent = 'specific'
),

-- A row without a ref means every line of its kind, one of kind `none` no line at all.
target as (
    select t.subscription_id, t.version, t.coupon_no, t.kind, t.ref
    from target_ref as t
    union all
    select n.subscription_id, n.version, n.coupon_no, case when n.extent = 'none' then 'none' else n.kind end, null
    from constraint_of as n
    where
        not n.extent = 'specific'
        or not exists (
            select 1
            from target_ref as t
            where t.subscription_id = n.subscription_id and t.version = n.version and t.coupon_no = n.coupon_no
        )
),

targeted as (
    select distinct t.subscription_id, t.version, t.coupon_no
    from target as t
),

hit as (
    select distinct f.subscription_id, f.state_from, f.coupon_no, l.position
    from in_force as f
    join target as t
        on t.subscription_id = f.subscription_id and t.version = f.version and t.coupon_no = f.coupon_no
    join line as l on l.subscription_id = f.subscription_id and l.state_from = f.state_from
    where (t.kind is null or t.kind = l.kind) and (t.ref is null or t.ref = l.ref)
),

on_line as (
    select
        f.subscription_id,
        f.state_from,
        f.coupon_no,
        f.coupon_id,
        f.step,
        f.percentage,
        portion(f.amount, l.months_below, l.months_above) as off,
        l.position,
        l.ref,
        l.amount
    from in_force as f
    join line as l on l.subscription_id = f.subscription_id and l.state_from = f.state_from
    left join targeted as t
        on t.subscription_id = f.subscription_id and t.version = f.version and t.coupon_no = f.coupon_no
    left join hit as h
        on h.subscription_id = f.subscription_id
        and h.state_from = f.state_from
        and h.coupon_no = f.coupon_no
        and h.position = l.position
    where
        f.step in (1, 2)
        and l.flag is null
        and (f.target is null or f.target = l.ref)
        and (t.coupon_no is null or h.position is not null)
),

line_running as (
    select
        o.subscription_id,
        o.state_from,
        o.coupon_no,
        o.coupon_id,
        o.position,
        o.ref,
        o.amount,
        o.off,
        sum(o.off) over (
            partition by o.subscription_id, o.state_from, o.position order by o.coupon_no asc nulls first
        ) as taken
    from on_line as o
    where o.step = 1
),

line_fixed as (
    select
        r.subscription_id,
        r.state_from,
        r.coupon_no,
        r.coupon_id,
        r.position,
        r.ref,
        case when r.amount > r.taken - r.off then r.amount - (r.taken - r.off) else 0 end as before,
        case when r.amount > r.taken then r.amount - r.taken else 0 end as after
    from line_running as r
),

line_left as (
    select l.subscription_id, l.state_from, l.position, coalesce(min(x.after), max(l.amount)) as amount
    from line as l
    left join line_fixed as x
        on x.subscription_id = l.subscription_id and x.state_from = l.state_from and x.position = l.position
    group by l.subscription_id, l.state_from, l.position
),

line_percent as (
    select
        o.subscription_id,
        o.state_from,
        o.coupon_no,
        o.coupon_id,
        o.position,
        o.ref,
        after_percentages(
            l.amount, case when p.coupon_no < o.coupon_no then p.percentage else 0 end
        ) as before,
        after_percentages(l.amount, p.percentage) as after
    from on_line as o
    join on_line as p
        on p.subscription_id = o.subscription_id
        and p.state_from = o.state_from
        and p.position = o.position
        and p.step = 2
        and p.coupon_no <= o.coupon_no
    join line_left as l
        on l.subscription_id = o.subscription_id and l.state_from = o.state_from and l.position = o.position
    where o.step = 2
    group by o.subscription_id, o.state_from, o.coupon_no, o.coupon_id, o.position, o.ref
),

line_end as (
    select l.subscription_id, l.state_from, l.position, coalesce(min(x.after), max(l.amount)) as amount
    from line_left as l
    left join line_percent as x
        on x.subscription_id = l.subscription_id and x.state_from = l.state_from and x.position = l.position
    group by l.subscription_id, l.state_from, l.position
),

first_plan as (
    select
        l.subscription_id,
        l.state_from,
        l.months_above,
        l.months_below,
        row_number() over (partition by l.subscription_id, l.state_from order by l.position asc nulls last) as place
    from line as l
    -- A line that is skipped is no plan line: without another the invoice's period is a month.
    where l.kind = 'plan' and (l.flag is null or not l.flag in ('metered_excluded', 'missing_price'))
),

on_invoice as (
    select
        f.subscription_id,
        f.state_from,
        f.coupon_no,
        f.coupon_id,
        f.step,
        f.percentage,
        portion(f.amount, coalesce(p.months_below, 1), coalesce(p.months_above, 1)) as off,
        e.amount
    from in_force as f
    join (
        select l.subscription_id, l.state_from, sum(l.amount) as amount
        from line_end as l
        group by l.subscription_id, l.state_from
    ) as e on e.subscription_id = f.subscription_id and e.state_from = f.state_from
    left join first_plan as p
        on p.subscription_id = f.subscription_id and p.state_from = f.state_from and p.place = 1
    where f.step in (3, 4)
),

invoice_running as (
    select
        o.subscription_id,
        o.state_from,
        o.coupon_no,
        o.coupon_id,
        o.amount,
        o.off,
        sum(o.off) over (partition by o.subscription_id, o.state_from order by o.coupon_no asc nulls first) as taken
    from on_invoice as o
    where o.step = 3
),

invoice_fixed as (
    select
        r.subscription_id,
        r.state_from,
        r.coupon_no,
        r.coupon_id,
        case when r.amount > r.taken - r.off then r.amount - (r.taken - r.off) else 0 end as before,
        case when r.amount > r.taken then r.amount - r.taken else 0 end as after
    from invoice_running as r
),

invoice_left as (
    select o.subscription_id, o.state_from, coalesce(min(x.after), max(o.amount)) as amount
    from on_invoice as o
    left join invoice_fixed as x on x.subscription_id = o.subscription_id and x.state_from = o.state_from
    group by o.subscription_id, o.state_from
),

invoice_percent as (
    select
        o.subscription_id,
        o.state_from,
        o.coupon_no,
        o.coupon_id,
        after_percentages(
            l.amount, case when p.coupon_no < o.coupon_no then p.percentage else 0 end
        ) as before,
        after_percentages(l.amount, p.percentage) as after
    from on_invoice as o
    join on_invoice as p
        on p.subscription_id = o.subscription_id
        and p.state_from = o.state_from
        and p.step = 4
        and p.coupon_no <= o.coupon_no
    join invoice_left as l on l.subscription_id = o.subscription_id and l.state_from = o.state_from
    where o.step = 4
    group by o.subscription_id, o.state_from, o.coupon_no, o.coupon_id
),

step as (
    select
        s.subscription_id,
        s.state_from,
        0 as part,
        0 as place,
        0 as position,
        'subscription' as kind,
        c.status as ref,
        null as target,
        null as bundle,
        'status' as step,
        0 as before,
        0 as after,
        case when c.counts then 'no_plan' else 'not_counted:' || c.status end as flag
    from state as s
    join payments.subscription_copy as c on c.subscription_id = s.subscription_id and c.version = s.version
    left join first_plan as p
        on p.subscription_id = s.subscription_id and p.state_from = s.state_from and p.place = 1
    where not c.counts or p.place is null
    union all
    select l.subscription_id, l.state_from, 1, l.position, 0, l.kind, l.ref, null, l.bundle, 'line', 0, l.amount, l.flag
    from line as l
    union all
    select
        f.subscription_id,
        f.state_from,
        2,
        f.coupon_no,
        0,
        'coupon',
        f.coupon_id,
        f.target,
        null,
        'refused',
        0,
        0,
        'coupon:' || f.coupon_id || ':' || f.refused
    from in_force as f
    where f.refused is not null
    union all
    select x.subscription_id, x.state_from, 3, x.coupon_no, x.position, 'coupon', x.coupon_id, x.ref, null, 'fixed_on_line', x.before, x.after, null
    from line_fixed as x
    union all
    select x.subscription_id, x.state_from, 4, x.coupon_no, x.position, 'coupon', x.coupon_id, x.ref, null, 'percentage_on_line', x.before, x.after, null
    from line_percent as x
    union all
    select x.subscription_id, x.state_from, 5, x.coupon_no, 0, 'coupon', x.coupon_id, null, null, 'fixed_on_invoice', x.before, x.after, null
    from invoice_fixed as x
    union all
    select x.subscription_id, x.state_from, 6, x.coupon_no, 0, 'coupon', x.coupon_id, null, null, 'percentage_on_invoice', x.before, x.after, null
    from invoice_percent as x
)

select
    cast(s.subscription_id as text) as subscription_id,
    cast(s.state_from as timestamptz) as state_from,
    cast(cast(s.part as bigint) * 1000000000 + cast(s.place as bigint) * 1000 + s.position as bigint) as line_no,
    cast(s.kind as text) as kind,
    cast(s.ref as text) as ref,
    cast(s.target as text) as target,
    cast(s.bundle as text) as bundle,
    cast(s.step as text) as step,
    cast(s.before as decimal(38, 26)) as before,
    cast(s.after as decimal(38, 26)) as after,
    cast(s.flag as text) as flag
from step as s
