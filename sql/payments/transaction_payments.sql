-- description: Every successful payment and refund, in its currency and in US dollars at the rate of its day. Refunds are
--   positive and of their own kind: totals take them off.
-- grain: transaction_id
-- owner: team:revops
-- check: amount_above_zero error: amount > 0 and coalesce(amount_usd, 0) >= 0
-- check: known_kind error: accepted_values(kind, 'payment', 'refund')
-- check: only_successful error: status = 'success'
-- check: priced_in_dollars warn: refused is null
-- column: transaction_id: The transaction's id at the biller.
-- column: company_id: The company: the customer's, else the customer id.
-- column: subscription_id: The subscription it pays for; null for others.
-- column: kind: payment or refund.
-- column: currency: ISO 4217 code.
-- column: amount: In that currency, above 0.
-- column: exchange_rate: US dollars for one unit on that day; null when refused.
-- column: rate_date: The day of the rate.
-- column: rate_source: `usd` for dollars, `product.exchange_rate` for others; null when refused.
-- column: amount_usd: In US dollars; null, never 0, when no rate may be used.
-- column: occurred_at: When the money moved.
-- column: status: success.
-- column: refused: Why there are no dollars: fx_missing, fx_invalid, fx_stale, fx_jump, or amount_out_of_range from 10^12
--   on.
with payment as (
    select
        t.transaction_id,
        t.company_id,
        t.subscription_id,
        t.type,
        t.currency,
        t.amount,
        t.occurred_at,
        t.status,
        day_in_zone(t.occurred_at, 'UTC') as day
    from payments.transaction_copy as t
    where t.status = 'success' and t.type in ('payment', 'refund') and t.refused is null
),

rated as (
    select
        p.transaction_id,
        p.company_id,
        p.subscription_id,
        p.type,
        p.currency,
        p.amount,
        p.occurred_at,
        p.status,
        r.rate,
        r.rate_date,
        coalesce(
            rate_refused(p.currency, r.rate_date, r.refused, p.day),
            case when p.currency <> 'USD' and p.amount * r.rate >= 1000000000000 then 'amount_out_of_range' end
        ) as refused
    from payment as p
    left join payments.exchange_rate as r
        on r.currency = p.currency and r.rate_date <= p.day and (r.until_date is null or r.until_date > p.day)
)

select
    cast(r.transaction_id as text) as transaction_id,
    cast(r.company_id as text) as company_id,
    cast(r.subscription_id as text) as subscription_id,
    cast(r.type as text) as kind,
    cast(r.currency as text) as currency,
    cast(r.amount as decimal(18, 4)) as amount,
    cast(case when r.currency = 'USD' then 1 when r.refused is null then r.rate end as decimal(38, 10)) as exchange_rate,
    cast(case when r.currency <> 'USD' and r.refused is null then r.rate_date end as date) as rate_date,
    cast(
        case when r.currency = 'USD' then 'usd' when r.refused is null then 'product.exchange_rate' end as text
    ) as rate_source,
    cast(
        case
            when r.currency = 'USD' then cents(r.amount)
            when r.refused is null then cents(portion(r.amount, r.rate, 1))
        end as decimal(18, 4)
    ) as amount_usd,
    cast(r.occurred_at as timestamptz) as occurred_at,
    cast(r.status as text) as status,
    cast(r.refused as text) as refused
from rated as r
