-- description: The MRR of every state of every subscription, exact, in the subscription's currency: what the steps of
--   payments.mrr_step add up to.
-- grain: subscription_id, state_from
-- owner: team:revops
-- check: never_below_zero error: mrr >= 0 and base_mrr >= 0 and addon_mrr >= 0 and sales_effective_mrr >= 0
-- check: adds_up error: base_mrr + addon_mrr - discount_mrr = mrr
-- column: subscription_id: The subscription's id at the biller.
-- column: state_from: When the state began.
-- column: is_current: The state at the time of the run.
-- column: company_id: The company: the subscription's configured field, else the customer's, else the customer id.
-- column: customer_id: The customer's id at the biller.
-- column: status: The biller's status, `deleted` once the subscription was deleted.
-- column: counts: The status earns MRR.
-- column: currency: ISO 4217 code.
-- column: base_mrr: Plan lines, a month.
-- column: addon_mrr: Addon lines, a month.
-- column: discount_mrr: What the coupons take off, a month.
-- column: mrr: Base and addons less discounts.
-- column: sales_effective_mrr: MRR with the free months spread over the contract.
-- column: flags: What was noticed on the way: JSON texts, sorted, divided by commas; null for nothing.
with total as (
    select
        t.subscription_id,
        t.state_from,
        sum(case when t.kind = 'plan' then t.after - t.before else 0 end) as base_mrr,
        sum(case when t.kind = 'addon' then t.after - t.before else 0 end) as addon_mrr,
        sum(case when t.kind = 'coupon' then t.before - t.after else 0 end) as discount_mrr,
        sum(t.after - t.before) as mrr
    from payments.mrr_step as t
    group by t.subscription_id, t.state_from
),

flag as (
    select distinct
        t.subscription_id,
        t.state_from,
        case when matches(t.flag, '^[ !#-\[\]-~]*$') then t.flag else 'unreadable_id' end as flag
    from payments.mrr_step as t
    where t.flag is not null
),

flags as (
    select
        f.subscription_id,
        f.state_from,
        string_agg('"' || f.flag || '"', ',' order by f.flag asc nulls first) as flags
    from flag as f
    group by f.subscription_id, f.state_from
),

placed as (
    select
        t.subscription_id,
        t.state_from,
        t.base_mrr,
        t.addon_mrr,
        t.discount_mrr,
        t.mrr,
        row_number() over (partition by t.subscription_id order by t.state_from desc nulls last) as place
    from total as t
)

select
    cast(t.subscription_id as text) as subscription_id,
    cast(t.state_from as timestamptz) as state_from,
    cast(t.place = 1 as boolean) as is_current,
    cast(coalesce(c.company_field, b.company_id, c.customer_id) as text) as company_id,
    cast(c.customer_id as text) as customer_id,
    cast(c.status as text) as status,
    cast(c.counts as boolean) as counts,
    cast(c.currency as text) as currency,
    cast(t.base_mrr as decimal(38, 26)) as base_mrr,
    cast(t.addon_mrr as decimal(38, 26)) as addon_mrr,
    cast(t.discount_mrr as decimal(38, 26)) as discount_mrr,
    cast(t.mrr as decimal(38, 26)) as mrr,
    cast(
        case
            when coalesce(c.free_months, 0) <= 0 then t.mrr
            when c.free_months >= c.contract_months then 0
            else portion(t.mrr, c.contract_months - c.free_months, c.contract_months)
        end as decimal(38, 26)
    ) as sales_effective_mrr,
    cast(f.flags as text) as flags
from placed as t
join payments.subscription_copy as c
    on c.subscription_id = t.subscription_id
    and c.since <= t.state_from
    and (c.until is null or t.state_from < c.until)
left join payments.billing_customer as b on b.customer_id = c.customer_id
left join flags as f on f.subscription_id = t.subscription_id and f.state_from = t.state_from
