-- description: Every discount a company's subscriptions have or had, with what it takes off now.
-- grain: subscription_id, coupon_id
-- owner: team:revops
-- check: terms_agree warn: refused is null
-- column: subscription_id: The subscription's id at the biller.
-- column: coupon_id: The coupon's id, or the manual discount's.
-- column: company_id: The company's id in the product.
-- column: discount_type: fixed_amount or percentage.
-- column: discount_value: Percent, or money per billing period in the subscription's currency.
-- column: duration_type: one_time, forever or limited_period.
-- column: in_force: It counts in MRR at the time of the run.
-- column: starts_at: Since when the subscription has it.
-- column: ends_at: When it ends; null when it does not.
-- column: terms_left: Whole billing periods until it ends; null when it does not.
-- column: effect_usd: What it takes off a month now, in US dollars, exact; null when no exchange rate may be used.
-- column: refused: Why it is no discount of the company: ends_before_start; null otherwise.
with started as (
    select u.subscription_id, u.coupon_id, min(c.since) as starts_at
    from payments.subscription_coupon as u
    join payments.subscription_copy as c on c.subscription_id = u.subscription_id and c.version = u.version
    group by u.subscription_id, u.coupon_id
),

last_entry as (
    select
        u.subscription_id,
        u.coupon_id,
        u.percentage,
        u.amount,
        u.duration_type,
        u.apply_till,
        u.counts,
        u.in_force_until,
        c.counts as subscription_counts,
        c.until,
        c.period,
        c.period_unit,
        row_number() over (
            partition by u.subscription_id, u.coupon_id
            order by u.version desc nulls last, u.in_force_from desc nulls last, u.coupon_no asc nulls last
        ) as place
    from payments.subscription_coupon as u
    join payments.subscription_copy as c on c.subscription_id = u.subscription_id and c.version = u.version
    where u.refused is null
),

taken as (
    select
        t.subscription_id,
        t.ref as coupon_id,
        sum(t.before - t.after) as effect
    from payments.mrr_step as t
    join payments.subscription_state as s on s.subscription_id = t.subscription_id and s.state_from = t.state_from
    where s.is_current and t.kind = 'coupon'
    group by t.subscription_id, t.ref
),

timed as (
    select
        e.subscription_id,
        e.coupon_id,
        e.percentage,
        e.amount,
        e.duration_type,
        s.starts_at,
        case when e.duration_type <> 'forever' then e.apply_till end as ends_at,
        e.subscription_counts
        and e.counts
        and e.until is null
        and e.in_force_until is null
        and (e.duration_type <> 'limited_period' or e.apply_till is null or e.apply_till > ${as_of}) as in_force,
        case
            when e.period_unit = 'month' then whole_months(${as_of}, e.apply_till)
            when e.period_unit = 'year' then whole_months(${as_of}, e.apply_till)
            else seconds_between(${as_of}, e.apply_till)
        end as left_over,
        e.period * case e.period_unit when 'month' then 1 when 'year' then 12 when 'week' then 604800 else 86400 end as one_period
    from last_entry as e
    join started as s on s.subscription_id = e.subscription_id and s.coupon_id = e.coupon_id
    where e.place = 1
)

select
    cast(t.subscription_id as text) as subscription_id,
    cast(t.coupon_id as text) as coupon_id,
    cast(m.company_id as text) as company_id,
    cast(case when t.percentage is null then 'fixed_amount' else 'percentage' end as text) as discount_type,
    cast(coalesce(t.percentage, t.amount) as decimal(38, 10)) as discount_value,
    cast(t.duration_type as text) as duration_type,
    cast(t.in_force as boolean) as in_force,
    cast(t.starts_at as timestamptz) as starts_at,
    cast(t.ends_at as timestamptz) as ends_at,
    -- A cast rounds, so nearly one half is taken off first: the whole periods remain.
    cast(
        case
            when t.ends_at is null then null
            when t.left_over <= 0 then 0
            else ratio(t.left_over, t.one_period) - 0.4999999999
        end as bigint
    ) as terms_left,
    cast(
        case
            when not t.in_force then 0
            when m.exchange_rate is not null then portion(coalesce(x.effect, 0), m.exchange_rate, 1)
        end as decimal(38, 26)
    ) as effect_usd,
    cast(case when t.ends_at < t.starts_at then 'ends_before_start' end as text) as refused
from timed as t
join payments.subscription_mrr as m on m.subscription_id = t.subscription_id
left join taken as x on x.subscription_id = t.subscription_id and x.coupon_id = t.coupon_id
where m.company_id is not null
