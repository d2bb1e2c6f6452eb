-- description: By how much a company's month-end MRR differs from the previous month-end's, per currency, exact. Months
--   are those of the report's time zone; the running month ends at the time of the run.
-- grain: month, company_id, currency
-- owner: team:revops
-- column: month: The month's first day.
-- column: company_id: The company's id in the product.
-- column: currency: The subscriptions' currency.
-- column: delta: The difference, in that currency, to 26 decimals.
with dated as (
    select
        s.subscription_id,
        s.state_from,
        s.company_id,
        s.currency,
        s.mrr,
        month_start(day_in_zone(s.state_from, ${report_time_zone})) as month
    from payments.subscription_state as s
    where s.company_id is not null
),

placed as (
    select
        d.subscription_id,
        d.company_id,
        d.currency,
        d.mrr,
        d.month,
        row_number() over (
            partition by d.subscription_id, d.month order by d.state_from desc nulls last
        ) as place
    from dated as d
),

month_end as (
    select
        p.subscription_id,
        p.company_id,
        p.currency,
        p.mrr,
        p.month,
        row_number() over (partition by p.subscription_id order by p.month asc nulls last) as step
    from placed as p
    where p.place = 1
),

change as (
    select m.month, m.company_id, m.currency, m.mrr as delta
    from month_end as m
    union all
    select n.month, m.company_id, m.currency, -m.mrr
    from month_end as m
    join month_end as n on n.subscription_id = m.subscription_id and n.step = m.step + 1
),

total as (
    select c.month, c.company_id, c.currency, sum(c.delta) as delta
    from change as c
    group by c.month, c.company_id, c.currency
)

select
    cast(t.month as date) as month,
    cast(t.company_id as text) as company_id,
    cast(t.currency as text) as currency,
    cast(t.delta as decimal(38, 26)) as delta
from total as t
where t.delta <> 0
