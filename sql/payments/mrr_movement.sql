-- description: What happened to each company's MRR in a month: one movement, in US dollars at the month's own rate. What
--   exchange rates do is no movement.
-- grain: month, company_id, kind
-- owner: team:revops
-- partition: month
-- check: known_kind error: accepted_values(kind, 'new', 'expansion', 'contraction', 'churn', 'reactivation')
-- check: sign_fits_kind error: case when kind in ('churn', 'contraction') then delta_mrr <= 0 else delta_mrr >= 0 end
-- column: month: The month's first day, in the report's time zone.
-- column: company_id: The company's id in the product.
-- column: kind: new, expansion, contraction, churn or reactivation.
-- column: delta_mrr: The change, negative for contraction and churn.
-- column: delta_exact: The change to 26 decimals; sums start here.
with priced as (
    select
        c.month,
        c.company_id,
        -- Amounts of several currencies add up to 0 only when each is 0: none is negative.
        sum(c.delta) as delta,
        sum(coalesce(portion(c.delta, r.rate, 1), 0)) as delta_usd
    from payments.mrr_change as c
    left join payments.month_rate as r on r.month = c.month and r.currency = c.currency
    group by c.month, c.company_id
),

running as (
    select
        p.month,
        p.company_id,
        p.delta,
        p.delta_usd,
        -- Exact, because MRR below half a cent is MRR: the first of it is new, the end of it churn.
        sum(p.delta) over (partition by p.company_id order by p.month asc nulls first) as total
    from priced as p
),

counted as (
    select
        r.month,
        r.company_id,
        r.delta_usd,
        r.total,
        row_number() over (partition by r.company_id order by r.month asc nulls last) as step,
        sum(case when r.total > 0 then 1 else 0 end) over (
            partition by r.company_id order by r.month asc nulls first
        ) as paying_months
    from running as r
),

judged as (
    select
        c.month,
        c.company_id,
        c.delta_usd,
        case
            when coalesce(p.total, 0) = 0 and c.total > 0 and c.paying_months = 1 then 'new'
            when coalesce(p.total, 0) = 0 and c.total > 0 then 'reactivation'
            when p.total > 0 and c.total = 0 then 'churn'
            when c.delta_usd > 0 then 'expansion'
            when c.delta_usd < 0 then 'contraction'
        end as kind
    from counted as c
    left join counted as p on p.company_id = c.company_id and p.step = c.step - 1
)

select
    cast(j.month as date) as month,
    cast(j.company_id as text) as company_id,
    cast(j.kind as text) as kind,
    cast(cents(j.delta_usd) as decimal(18, 4)) as delta_mrr,
    cast(j.delta_usd as decimal(38, 26)) as delta_exact
from judged as j
where j.kind is not null
