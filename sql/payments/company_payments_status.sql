-- description: How a company stands with its payments at the time of the run: the first rule that applies, of unpaid,
--   past_due, active, trial, cancelled and none. One row per company of the product or the biller.
-- grain: company_id
-- owner: team:revops
-- check: known_status error: accepted_values(status, 'unpaid', 'past_due', 'active', 'trial', 'cancelled', 'none')
-- check: decided_by_something error: status = 'none' or context is not null
-- column: company_id: The company's id in the product.
-- column: status: unpaid, past_due, active, trial, cancelled or none.
-- column: context: What decided it, as `invoice ID` or `subscription ID` with its status.
-- column: since: Since when it is so.
-- column: last_payment_at: The last successful payment.
-- column: next_billing_at: When a counting subscription is billed next.
with invoice as (
    select
        i.company_id,
        i.invoice_id,
        case
            when i.status = 'not_paid' and coalesce(i.dunning_status, 'exhausted') in ('exhausted', 'stopped') then 1
            when i.status = 'payment_due' and i.dunning_status in ('exhausted', 'stopped') then 1
            when i.due_at < ${as_of} then 2
            when i.dunning_status = 'in_progress' then 2
        end as rank,
        coalesce(i.due_at, i.issued_at) as since,
        i.updated_at as seen_at,
        i.status
    from payments.chargebee_invoices as i
    where i.status in ('not_paid', 'payment_due', 'posted') and i.amount_due > 0
),

current_copy as (
    select
        s.company_id,
        s.subscription_id,
        s.status,
        case
            when s.counts then 3
            when s.status = 'in_trial' then 4
            when s.status in ('cancelled', 'deleted', 'transferred') then 5
            else 6
        end as rank,
        coalesce(case when s.status = 'cancelled' then c.cancelled_at end, c.started_at, c.since) as since,
        c.since as seen_at,
        case when s.counts then c.next_billing_at end as next_billing_at
    from payments.subscription_mrr as s
    join payments.subscription_copy as c on c.subscription_id = s.subscription_id and c.until is null
),

evidence as (
    select i.company_id, i.rank, 'invoice ' || i.invoice_id || ' ' || i.status as context, i.since, i.seen_at
    from invoice as i
    where i.rank is not null and i.company_id is not null
    union all
    select c.company_id, c.rank, 'subscription ' || c.subscription_id || ' ' || c.status, c.since, c.seen_at
    from current_copy as c
    where c.company_id is not null
    union all
    select p.company_id, 7, null, null, null
    from product.company as p
),

placed as (
    select
        e.company_id,
        e.rank,
        e.context,
        -- A due date or a beginning still to come decides nothing yet; the copy that says so does.
        case when e.since <= ${as_of} then e.since else e.seen_at end as since,
        row_number() over (
            partition by e.company_id
            order by e.rank asc nulls last, e.since asc nulls last, e.context asc nulls last
        ) as place
    from evidence as e
),

paid as (
    select t.company_id, max(t.occurred_at) as last_payment_at
    from payments.transaction_payments as t
    where t.kind = 'payment'
    group by t.company_id
),

billed as (
    select c.company_id, min(c.next_billing_at) as next_billing_at
    from current_copy as c
    group by c.company_id
)

select
    cast(p.company_id as text) as company_id,
    cast(
        case p.rank
            when 1 then 'unpaid'
            when 2 then 'past_due'
            when 3 then 'active'
            when 4 then 'trial'
            when 5 then 'cancelled'
            else 'none'
        end as text
    ) as status,
    cast(p.context as text) as context,
    cast(p.since as timestamptz) as since,
    cast(d.last_payment_at as timestamptz) as last_payment_at,
    cast(b.next_billing_at as timestamptz) as next_billing_at
from placed as p
left join paid as d on d.company_id = p.company_id
left join billed as b on b.company_id = p.company_id
where p.place = 1
