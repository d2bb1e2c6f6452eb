-- description: The newest copy of every transaction up to the time of the run, unpacked and judged. Of copies with one
--   version the first received stays.
-- grain: transaction_id
-- owner: team:revops
-- column: transaction_id: The transaction's id at the biller.
-- column: customer_id: The customer's id at the biller.
-- column: subscription_id: The subscription it pays for; null for others.
-- column: company_id: The company: the customer's, else the customer id.
-- column: type: payment, refund or what else the biller calls it.
-- column: status: The biller's status; only `success` is a payment.
-- column: currency: ISO 4217 code.
-- column: amount: In that currency; null when it is no number.
-- column: occurred_at: When the money moved.
-- column: refused: Why a successful payment or refund is none: bad_amount; null otherwise.
with copy as (
    select
        e.event_id,
        e.occurred_at,
        e.received_at,
        e.customer_id as event_customer_id,
        json_part(e.content, 'transaction') as doc
    from payments.payment_events as e
    where e.occurred_at <= ${as_of}
),

field as (
    select
        c.event_id,
        c.occurred_at,
        c.received_at,
        c.event_customer_id,
        tidy(json_text(c.doc, 'id')) as transaction_id,
        version_of(json_text(c.doc, 'resource_version'), c.occurred_at) as version,
        c.doc
    from copy as c
    where c.doc is not null
),

newest as (
    select
        f.transaction_id,
        f.occurred_at,
        f.event_customer_id,
        f.doc,
        row_number() over (
            partition by f.transaction_id
            order by f.version desc nulls last, f.received_at asc nulls last, f.event_id asc nulls last
        ) as place
    from field as f
    where f.transaction_id is not null
),

unpacked as (
    select
        n.transaction_id,
        coalesce(tidy(json_text(n.doc, 'customer_id')), tidy(n.event_customer_id)) as customer_id,
        tidy(json_text(n.doc, 'subscription_id')) as subscription_id,
        coalesce(lower(json_text(n.doc, 'type')), 'payment') as type,
        lower(json_text(n.doc, 'status')) as status,
        coalesce(upper(tidy(json_text(n.doc, 'currency_code'))), 'unknown') as currency,
        number_of(json_text(n.doc, 'amount')) as amount,
        coalesce(instant_of(json_text(n.doc, 'date')), n.occurred_at) as occurred_at
    from newest as n
    where n.place = 1
)

select
    cast(u.transaction_id as text) as transaction_id,
    cast(u.customer_id as text) as customer_id,
    cast(u.subscription_id as text) as subscription_id,
    cast(coalesce(b.company_id, u.customer_id) as text) as company_id,
    cast(u.type as text) as type,
    cast(u.status as text) as status,
    cast(u.currency as text) as currency,
    cast(ratio(u.amount, minor_units(u.currency)) as decimal(38, 10)) as amount,
    cast(u.occurred_at as timestamptz) as occurred_at,
    cast(
        case
            when u.status = 'success'
                and u.type in ('payment', 'refund')
                and not coalesce(
                    -- What the four places of an amount would show as nothing is none.
                    ratio(u.amount, minor_units(u.currency)) >= 0.00005
                    and u.amount < 1000000000000 * minor_units(u.currency),
                    false
                )
                then 'bad_amount'
        end as text
    ) as refused
from unpacked as u
left join payments.billing_customer as b on b.customer_id = u.customer_id
