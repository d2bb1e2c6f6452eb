-- description: Every event that carries a subscription, up to the time of the run, with what the subscription said then.
-- grain: event_id
-- owner: team:revops
-- column: event_id: The event's id at the biller.
-- column: subscription_id: The subscription's id at the biller.
-- column: company_id: The company: the subscription's configured field, else the customer's, else the customer id.
-- column: event_type: What happened.
-- column: status: The biller's status of the subscription then.
-- column: plan_id: The item price of the plan.
-- column: billing_period: How many units a billing period lasts.
-- column: billing_period_unit: day, week, month or year.
-- column: currency: ISO 4217 code.
-- column: mrr: The biller's own MRR in that currency, as sent; null when it sent none.
-- column: occurred_at: When it happened.
-- column: version: The version of the subscription's copy, or the event's time in milliseconds.
with copy as (
    select
        e.event_id,
        e.event_type,
        e.occurred_at,
        json_part(e.content, 'subscription') as doc
    from payments.payment_events as e
    where e.occurred_at <= ${as_of}
),

field as (
    select
        c.event_id,
        c.event_type,
        c.occurred_at,
        tidy(json_text(c.doc, 'id')) as subscription_id,
        version_of(json_text(c.doc, 'resource_version'), c.occurred_at) as version,
        tidy(json_text(c.doc, 'customer_id')) as customer_id,
        tidy(json_text(c.doc, ${company_field})) as company_field,
        lower(tidy(json_text(c.doc, 'status'))) as status,
        whole_number_of(json_text(c.doc, 'billing_period')) as billing_period,
        lower(tidy(json_text(c.doc, 'billing_period_unit'))) as billing_period_unit,
        upper(tidy(json_text(c.doc, 'currency_code'))) as currency,
        number_of(json_text(c.doc, 'mrr')) as mrr
    from copy as c
    where c.doc is not null
),

listed as (
    select e.event_id, json_part(json_part(e.content, 'subscription'), 'subscription_items') as items
    from payments.payment_events as e
    where e.occurred_at <= ${as_of}
),

plan as (
    select
        l.event_id,
        tidy(json_text(p.item, 'item_price_id')) as plan_id,
        row_number() over (partition by l.event_id order by p.position asc nulls last) as place
    from listed as l
    cross join lateral json_items(l.items) as p
    where lower(json_text(p.item, 'item_type')) = 'plan'
)

select
    cast(f.event_id as text) as event_id,
    cast(f.subscription_id as text) as subscription_id,
    cast(coalesce(f.company_field, b.company_id, f.customer_id) as text) as company_id,
    cast(f.event_type as text) as event_type,
    cast(f.status as text) as status,
    cast(p.plan_id as text) as plan_id,
    cast(f.billing_period as bigint) as billing_period,
    cast(f.billing_period_unit as text) as billing_period_unit,
    cast(f.currency as text) as currency,
    cast(
        case
            when f.mrr between -10000000000000 and 10000000000000 then ratio(f.mrr, minor_units(f.currency))
        end as decimal(18, 4)
    ) as mrr,
    cast(f.occurred_at as timestamptz) as occurred_at,
    cast(f.version as bigint) as version
from field as f
left join plan as p on p.event_id = f.event_id and p.place = 1
left join payments.billing_customer as b on b.customer_id = f.customer_id
where f.subscription_id is not null
