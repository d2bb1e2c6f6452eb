-- description: The newest copy of every invoice up to the time of the run, of copies with one version the first
--   received. A deleted one is gone.
-- grain: invoice_id
-- owner: team:revops
-- check: has_a_company warn: not_null(company_id)
-- check: amounts_agree warn: total >= 0 and amount_due >= 0 and amount_due <= total
-- check: paid_owes_nothing warn: status <> 'paid' or amount_due = 0
-- check: dates_agree warn: (due_at is null or due_at >= issued_at) and (paid_at is null or status in ('paid', 'voided'))
-- column: invoice_id: The invoice's id at the biller.
-- column: company_id: The company: the customer's, else the customer id.
-- column: status: The biller's: paid, posted, payment_due, not_paid, voided, pending.
-- column: total: In the invoice's currency.
-- column: amount_due: What is still to be paid.
-- column: currency: ISO 4217 code.
-- column: issued_at: The invoice's date.
-- column: due_at: When it is due.
-- column: paid_at: When it was paid.
-- column: updated_at: When the biller last changed it.
-- column: customer_id: The customer's id at the biller.
-- column: subscription_id: The subscription it bills; null for others.
-- column: dunning_status: in_progress, exhausted, stopped or success; null when no charge failed.
with copy as (
    select
        e.event_id,
        e.event_type,
        e.occurred_at,
        e.received_at,
        e.customer_id as event_customer_id,
        json_part(e.content, 'invoice') as doc
    from payments.payment_events as e
    where e.occurred_at <= ${as_of}
),

field as (
    select
        c.event_id,
        c.event_type,
        c.occurred_at,
        c.received_at,
        c.event_customer_id,
        tidy(json_text(c.doc, 'id')) as invoice_id,
        version_of(json_text(c.doc, 'resource_version'), c.occurred_at) as version,
        c.doc
    from copy as c
    where c.doc is not null
),

newest as (
    select
        f.invoice_id,
        f.event_type,
        f.occurred_at,
        f.event_customer_id,
        f.doc,
        row_number() over (
            partition by f.invoice_id
            order by
                f.version desc nulls last,
                case when f.event_type = 'invoice_deleted' then 0 else 1 end asc nulls last,
                f.received_at asc nulls last,
                f.event_id asc nulls last
        ) as place
    from field as f
    where f.invoice_id is not null
),

unpacked as (
    select
        n.invoice_id,
        coalesce(tidy(json_text(n.doc, 'customer_id')), tidy(n.event_customer_id)) as customer_id,
        tidy(json_text(n.doc, 'subscription_id')) as subscription_id,
        lower(json_text(n.doc, 'status')) as status,
        lower(json_text(n.doc, 'dunning_status')) as dunning_status,
        coalesce(upper(tidy(json_text(n.doc, 'currency_code'))), 'unknown') as currency,
        number_of(json_text(n.doc, 'total')) as total,
        number_of(json_text(n.doc, 'amount_due')) as amount_due,
        instant_of(json_text(n.doc, 'date')) as issued,
        instant_of(json_text(n.doc, 'due_date')) as due,
        instant_of(json_text(n.doc, 'paid_at')) as paid,
        instant_of(json_text(n.doc, 'updated_at')) as updated,
        n.occurred_at
    from newest as n
    where
        n.place = 1
        and n.event_type <> 'invoice_deleted'
        and not coalesce(yes_no(json_text(n.doc, 'deleted')), false)
)

select
    cast(u.invoice_id as text) as invoice_id,
    cast(coalesce(b.company_id, u.customer_id) as text) as company_id,
    cast(u.status as text) as status,
    cast(
        case when u.total between -10000000000000 and 10000000000000 then ratio(u.total, minor_units(u.currency)) end
        as decimal(18, 4)
    ) as total,
    cast(
        case
            when u.amount_due between -10000000000000 and 10000000000000 then ratio(u.amount_due, minor_units(u.currency))
        end as decimal(18, 4)
    ) as amount_due,
    cast(u.currency as text) as currency,
    cast(u.issued as timestamptz) as issued_at,
    cast(u.due as timestamptz) as due_at,
    cast(u.paid as timestamptz) as paid_at,
    cast(coalesce(u.updated, u.occurred_at) as timestamptz) as updated_at,
    cast(u.customer_id as text) as customer_id,
    cast(u.subscription_id as text) as subscription_id,
    cast(u.dunning_status as text) as dunning_status
from unpacked as u
left join payments.billing_customer as b on b.customer_id = u.customer_id
