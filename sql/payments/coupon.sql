-- description: The biller's coupons: the newest copy of each up to the time of the run. A deleted or archived coupon
--   stays, because it still counts on the subscriptions that have it.
-- grain: coupon_id
-- owner: team:revops
-- column: coupon_id: The coupon's id at the biller.
-- column: version: The version of the copy.
-- column: doc: The coupon as the biller sent it.
with seen as (
    select
        e.event_id,
        e.occurred_at,
        json_part(e.content, 'coupon') as doc
    from payments.payment_events as e
    where e.event_type like 'coupon%' and e.occurred_at <= ${as_of}
),

copy as (
    select
        s.event_id,
        s.occurred_at,
        json_text(s.doc, 'id') as coupon_id,
        version_of(json_text(s.doc, 'resource_version'), s.occurred_at) as version,
        s.doc
    from seen as s
    where s.doc is not null
),

newest as (
    select
        c.coupon_id,
        c.version,
        c.doc,
        row_number() over (
            partition by c.coupon_id
            order by c.version desc nulls last, c.occurred_at desc nulls last, c.event_id desc nulls last
        ) as place
    from copy as c
    where c.coupon_id is not null
)

select
    cast(n.coupon_id as text) as coupon_id,
    cast(n.version as bigint) as version,
    cast(n.doc as json) as doc
from newest as n
where n.place = 1
