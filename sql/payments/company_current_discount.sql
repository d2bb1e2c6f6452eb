-- description: The discount a company has at the time of the run: of those in force the one that takes off most in US
--   dollars, else the one that ended last, else none. One row per company of the product or the biller.
-- grain: company_id
-- owner: team:revops
-- check: known_status error: accepted_values(status, 'none', 'active', 'expiring', 'expired')
-- check: terms_not_negative error: coalesce(terms_left, 0) >= 0
-- check: ends_after_start error: starts_at is null or ends_at is null or ends_at >= starts_at
-- column: company_id: The company's id in the product.
-- column: coupon_id: The coupon's id, or the manual discount's; null for none.
-- column: discount_type: fixed_amount or percentage.
-- column: discount_value: Percent, or money per billing period in the subscription's currency.
-- column: duration_type: one_time, forever or limited_period.
-- column: status: active, expiring (at most one whole billing period is left), expired or none.
-- column: starts_at: Since when the subscription has it.
-- column: ends_at: When it ends; null when it does not.
-- column: terms_left: Whole billing periods until it ends; null when it does not.
with company as (
    select p.company_id
    from product.company as p
    union all
    select m.company_id
    from payments.company_mrr as m
),

known as (
    select distinct c.company_id
    from company as c
),

placed as (
    select
        d.company_id,
        d.coupon_id,
        d.discount_type,
        d.discount_value,
        d.duration_type,
        d.in_force,
        d.starts_at,
        d.ends_at,
        d.terms_left,
        row_number() over (
            partition by d.company_id
            order by
                case when d.in_force then 0 else 1 end asc nulls last,
                case when d.in_force then d.effect_usd end desc nulls last,
                case when d.in_force then null else d.ends_at end desc nulls last,
                d.coupon_id asc nulls last,
                d.subscription_id asc nulls last
        ) as place
    from payments.company_discount as d
    where d.refused is null and (d.in_force or d.ends_at <= ${as_of})
)

select
    cast(k.company_id as text) as company_id,
    cast(p.coupon_id as text) as coupon_id,
    cast(p.discount_type as text) as discount_type,
    cast(p.discount_value as decimal(38, 10)) as discount_value,
    cast(p.duration_type as text) as duration_type,
    cast(
        case
            when p.company_id is null then 'none'
            when not p.in_force then 'expired'
            when p.terms_left <= 1 then 'expiring'
            else 'active'
        end as text
    ) as status,
    cast(p.starts_at as timestamptz) as starts_at,
    cast(p.ends_at as timestamptz) as ends_at,
    cast(p.terms_left as bigint) as terms_left
from known as k
left join placed as p on p.company_id = k.company_id and p.place = 1
