-- description: The biller's customers and the companies they stand for: the newest copy of each customer up to the time
--   of the run, of copies with one version the first received.
-- grain: customer_id
-- owner: team:revops
-- check: company_is_known warn: company_is_known
-- column: customer_id: The customer's id at the biller.
-- column: company_id: The company's id in the product: what the customer's configured field says, else the customer id.
-- column: company_is_known: The product has a company with this id.
-- column: version: The version of the copy; null when the biller sent only the customer's id.
with seen as (
    select
        e.event_id,
        e.occurred_at,
        e.received_at,
        e.customer_id,
        json_texts(e.content, '/customer/id /customer/resource_version /customer/' || ${company_field}) as texts
    from payments.payment_events as e
    where e.occurred_at <= ${as_of}
),

copy as (
    select
        s.event_id,
        s.received_at,
        coalesce(tidy(nth_text(s.texts, 1)), tidy(s.customer_id)) as customer_id,
        tidy(nth_text(s.texts, 3)) as company_field,
        case when tidy(nth_text(s.texts, 1)) is not null then version_of(nth_text(s.texts, 2), s.occurred_at) end as version
    from seen as s
    where coalesce(tidy(nth_text(s.texts, 1)), tidy(s.customer_id)) is not null
),

newest as (
    select
        c.customer_id,
        c.company_field,
        c.version,
        row_number() over (
            partition by c.customer_id
            order by c.version desc nulls last, c.received_at asc nulls last, c.event_id asc nulls last
        ) as place
    from copy as c
)

select
    cast(n.customer_id as text) as customer_id,
    cast(coalesce(n.company_field, n.customer_id) as text) as company_id,
    cast(c.company_id is not null as boolean) as company_is_known,
    cast(n.version as bigint) as version
from newest as n
left join product.company as c on c.company_id = coalesce(n.company_field, n.customer_id)
where n.place = 1
