-- description: Our MRR beside the biller's own, for every subscription the biller gave one for. A difference above a cent
--   that nothing explains fails the check; this table lists them.
-- grain: subscription_id
-- owner: team:revops
-- check: matches_the_biller warn: explanation is not null or difference between -0.01 and 0.01
-- column: subscription_id: The subscription's id at the biller.
-- column: company_id: The company's id in the product.
-- column: currency: ISO 4217 code of the three amounts.
-- column: mrr: Ours.
-- column: biller_mrr: The biller's, from its newest copy that has one.
-- column: difference: Ours less the biller's.
-- column: explanation: Why they may differ: limited_coupon (the biller leaves limited coupons of yearly subscriptions
--   out), one_time_coupon, older_copy (the biller's figure is of a version before ours); null when nothing explains it.
with given as (
    select
        e.subscription_id,
        e.mrr,
        e.version,
        row_number() over (
            partition by e.subscription_id
            order by e.version desc nulls last, e.occurred_at desc nulls last, e.event_id desc nulls last
        ) as place
    from payments.subscription_events as e
    where e.mrr is not null
),

coupon as (
    select
        t.subscription_id,
        max(case when u.duration_type = 'limited_period' and c.period_unit = 'year' then 1 else 0 end) as limited,
        max(case when u.duration_type = 'one_time' then 1 else 0 end) as one_time
    from payments.mrr_line as t
    join payments.subscription_copy as c on c.subscription_id = t.subscription_id and c.until is null
    join payments.subscription_coupon as u
        on u.subscription_id = c.subscription_id
        and u.version = c.version
        and u.coupon_id = t.ref
        and u.in_force_until is null
    where t.kind = 'coupon' and t.before > t.after
    group by t.subscription_id
),

compared as (
    select
        s.subscription_id,
        s.company_id,
        s.currency,
        s.mrr,
        g.mrr as biller_mrr,
        s.mrr - g.mrr as difference,
        case
            when c.limited = 1 then 'limited_coupon'
            when c.one_time = 1 then 'one_time_coupon'
            when g.version < v.version then 'older_copy'
        end as reason
    from payments.subscription_mrr as s
    join given as g on g.subscription_id = s.subscription_id and g.place = 1
    join payments.subscription_copy as v on v.subscription_id = s.subscription_id and v.until is null
    left join coupon as c on c.subscription_id = s.subscription_id
)

select
    cast(c.subscription_id as text) as subscription_id,
    cast(c.company_id as text) as company_id,
    cast(c.currency as text) as currency,
    cast(c.mrr as decimal(18, 4)) as mrr,
    cast(c.biller_mrr as decimal(18, 4)) as biller_mrr,
    cast(c.difference as decimal(18, 4)) as difference,
    cast(case when not c.difference between -0.01 and 0.01 then c.reason end as text) as explanation
from compared as c
