-- description: The MRR of every company at the time of the run, in US dollars. Null while one of its counting
--   subscriptions has no dollar value; readers keep the last good value.
-- grain: company_id
-- owner: team:revops
-- partition: as_of
-- check: never_below_zero error: coalesce(current_mrr, 0) >= 0 and coalesce(effective_mrr, 0) >= 0
-- check: range_fits_arr error: arr is null or arr_range = case when arr = 0 then '0' when arr <= 2000 then '1-2000' when arr <= 8000 then '2001-8000' else '8001+' end
-- check: priced_in_dollars warn: current_mrr is not null
-- column: company_id: The company's id in the product.
-- column: current_mrr: MRR after discounts, the sum of the exact values rounded once.
-- column: effective_mrr: The same with free months spread over the contract.
-- column: subscriptions: Subscriptions that earn MRR.
-- column: as_of: The time of the run.
-- column: arr: Twelve times the exact current MRR, then rounded.
-- column: arr_range: 0, 1-2000, 2001-8000 or 8001+.
with total as (
    select
        s.company_id,
        sum(case when s.counts then 1 else 0 end) as subscriptions,
        sum(case when s.mrr_usd_exact is null then 1 else 0 end) as unpriced,
        sum(s.mrr_usd_exact) as mrr,
        sum(s.sales_effective_mrr_usd_exact) as sales_effective_mrr
    from payments.subscription_mrr as s
    where s.company_id is not null
    group by s.company_id
),

priced as (
    select
        t.company_id,
        t.subscriptions,
        case when t.unpriced = 0 then cents(t.mrr) end as current_mrr,
        case when t.unpriced = 0 then cents(t.sales_effective_mrr) end as effective_mrr,
        case when t.unpriced = 0 then cents(t.mrr * 12) end as arr
    from total as t
)

select
    cast(p.company_id as text) as company_id,
    cast(p.current_mrr as decimal(18, 4)) as current_mrr,
    cast(p.effective_mrr as decimal(18, 4)) as effective_mrr,
    cast(p.subscriptions as bigint) as subscriptions,
    cast(${as_of} as timestamptz) as as_of,
    cast(p.arr as decimal(18, 4)) as arr,
    cast(arr_range(p.arr) as text) as arr_range
from priced as p
