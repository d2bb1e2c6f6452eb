-- description: The MRR of every subscription at the time of the run, in its own currency and in US dollars. Each figure
--   is rounded once, from its exact value. In dollars it is null, never 0, while no exchange rate may be used.
-- grain: subscription_id
-- owner: team:revops
-- partition: as_of
-- check: never_below_zero error: mrr >= 0 and base_mrr >= 0 and addon_mrr >= 0 and sales_effective_mrr >= 0
-- check: adds_up error: base_mrr + addon_mrr - discount_mrr - mrr between -0.01 and 0.01
-- check: dollars_never_below_zero error: coalesce(mrr_usd, 0) >= 0 and coalesce(arr_usd, 0) >= 0
-- check: priced_in_dollars warn: mrr_usd is not null
-- column: subscription_id: The subscription's id at the biller.
-- column: company_id: The company: the subscription's configured field, else the customer's, else the customer id.
-- column: status: The biller's status, `deleted` once the subscription was deleted.
-- column: currency: ISO 4217 code of base_mrr, addon_mrr, discount_mrr, mrr and sales_effective_mrr.
-- column: base_mrr: Plan lines, a month.
-- column: addon_mrr: Addon lines, a month.
-- column: discount_mrr: What the coupons take off, a month.
-- column: mrr: Base and addons less discounts.
-- column: sales_effective_mrr: MRR with the free months spread over the contract.
-- column: mrr_usd: MRR in US dollars.
-- column: sales_effective_mrr_usd: The sales effective MRR in US dollars.
-- column: arr_usd: Twelve times the exact MRR, then rounded.
-- column: arr_range: 0, 1-2000, 2001-8000 or 8001+, from the rounded ARR.
-- column: flags: What was noticed: not_counted, no_plan, lines worth nothing, refused coupons, refused rates,
--   amount_out_of_range for a billion dollars and more.
-- column: as_of: The time of the run.
-- column: counts: The status earns MRR.
-- column: exchange_rate: US dollars for one unit, as used; null when refused.
-- column: rate_date: The day of the rate.
-- column: mrr_usd_exact: MRR in US dollars, to 26 decimals; sums start here.
-- column: sales_effective_mrr_usd_exact: The sales effective MRR in US dollars, to 26 decimals.
-- column: since: When this state of the subscription began.
with rated as (
    select
        s.subscription_id,
        s.company_id,
        s.status,
        s.counts,
        s.currency,
        s.base_mrr,
        s.addon_mrr,
        s.discount_mrr,
        s.mrr,
        s.sales_effective_mrr,
        s.flags,
        s.state_from,
        r.rate,
        r.rate_date,
        case
            when s.counts then coalesce(
                rate_refused(s.currency, r.rate_date, r.refused, day_in_zone(${as_of}, 'UTC')),
                -- A billion dollars a month is a slip of somebody's: sums of such would not fit.
                case
                    when
                        cast(s.mrr as decimal(38, 10))
                            >= ratio(1000000000, case when s.currency = 'USD' then 1 else r.rate end)
                        then 'amount_out_of_range'
                end
            )
        end as refused
    from payments.subscription_state as s
    left join payments.exchange_rate as r
        on r.currency = s.currency
        and r.rate_date <= day_in_zone(${as_of}, 'UTC')
        and (r.until_date is null or r.until_date > day_in_zone(${as_of}, 'UTC'))
    where s.is_current
),

priced as (
    select
        r.subscription_id,
        r.company_id,
        r.status,
        r.counts,
        r.currency,
        r.base_mrr,
        r.addon_mrr,
        r.discount_mrr,
        r.mrr,
        r.sales_effective_mrr,
        r.flags,
        r.state_from,
        r.refused,
        case when r.currency = 'USD' then 1 when r.counts and r.refused is null then r.rate end as rate,
        case when r.currency <> 'USD' then r.rate_date end as rate_date,
        case
            when r.refused is not null then null
            when r.currency = 'USD' or not r.counts then r.mrr
            else portion(r.mrr, r.rate, 1)
        end as mrr_usd,
        case
            when r.refused is not null then null
            when r.currency = 'USD' or not r.counts then r.sales_effective_mrr
            else portion(r.sales_effective_mrr, r.rate, 1)
        end as sales_effective_mrr_usd
    from rated as r
),

rounded as (
    select
        p.subscription_id,
        p.company_id,
        p.status,
        p.counts,
        p.currency,
        p.base_mrr,
        p.addon_mrr,
        p.discount_mrr,
        p.mrr,
        p.sales_effective_mrr,
        p.flags,
        p.state_from,
        p.refused,
        p.rate,
        p.rate_date,
        p.mrr_usd,
        p.sales_effective_mrr_usd,
        cents(p.mrr_usd * 12) as arr_usd
    from priced as p
)

select
    cast(p.subscription_id as text) as subscription_id,
    cast(p.company_id as text) as company_id,
    cast(p.status as text) as status,
    cast(p.currency as text) as currency,
    cast(cents(p.base_mrr) as decimal(18, 4)) as base_mrr,
    cast(cents(p.addon_mrr) as decimal(18, 4)) as addon_mrr,
    cast(cents(p.discount_mrr) as decimal(18, 4)) as discount_mrr,
    cast(cents(p.mrr) as decimal(18, 4)) as mrr,
    cast(cents(p.sales_effective_mrr) as decimal(18, 4)) as sales_effective_mrr,
    cast(cents(p.mrr_usd) as decimal(18, 4)) as mrr_usd,
    cast(cents(p.sales_effective_mrr_usd) as decimal(18, 4)) as sales_effective_mrr_usd,
    cast(p.arr_usd as decimal(18, 4)) as arr_usd,
    cast(arr_range(p.arr_usd) as text) as arr_range,
    cast(
        '[' || coalesce(p.flags, '') || case when p.flags is not null and p.refused is not null then ',' else '' end
        || coalesce('"' || p.refused || '"', '') || ']' as json
    ) as flags,
    cast(${as_of} as timestamptz) as as_of,
    cast(p.counts as boolean) as counts,
    cast(p.rate as decimal(38, 10)) as exchange_rate,
    cast(p.rate_date as date) as rate_date,
    cast(p.mrr_usd as decimal(38, 26)) as mrr_usd_exact,
    cast(p.sales_effective_mrr_usd as decimal(38, 26)) as sales_effective_mrr_usd_exact,
    cast(p.state_from as timestamptz) as since
from rounded as p
