-- description: The biller's coupons: every copy of each up to the time of the run that was ever in force, once, of
--   copies with one version the first received. A deleted or archived coupon stays, because it still counts on the
--   subscriptions that have it.
-- grain: coupon_id, version
-- owner: team:revops
-- column: coupon_id: The coupon's id at the biller.
-- column: version: The version of the copy.
-- column: since: From when on the copy says what the coupon takes off; null for the first, which holds for all time
--   before.
-- column: until: When a newer copy replaced it; null for the newest.
-- column: doc: The coupon as the biller sent it.
with seen as (
    select
        e.event_id,
        e.occurred_at,
        e.received_at,
        json_part(e.content, 'coupon') as doc
    from payments.payment_events as e
    where e.event_type like 'coupon%' and e.occurred_at <= ${as_of}
),

copy as (
    select
        s.event_id,
        s.occurred_at,
        s.received_at,
        tidy(json_text(s.doc, 'id')) as coupon_id,
        version_of(json_text(s.doc, 'resource_version'), s.occurred_at) as version,
        s.doc
    from seen as s
    where s.doc is not null
),

numbered as (
    select
        c.coupon_id,
        c.version,
        c.occurred_at,
        c.doc,
        row_number() over (
            partition by c.coupon_id, c.version order by c.received_at asc nulls last, c.event_id asc nulls last
        ) as place
    from copy as c
    where c.coupon_id is not null
),

single as (
    select
        n.coupon_id,
        n.version,
        n.occurred_at,
        n.doc,
        row_number() over (partition by n.coupon_id order by n.version asc nulls last) as step,
        min(n.occurred_at) over (partition by n.coupon_id order by n.version desc nulls last) as overtaken_at
    from numbered as n
    where n.place = 1
),

in_force as (
    select
        s.coupon_id,
        s.version,
        s.occurred_at,
        s.doc,
        l.overtaken_at as until,
        row_number() over (partition by s.coupon_id order by s.version asc nulls last) as step
    from single as s
    left join single as l on l.coupon_id = s.coupon_id and l.step = s.step + 1
    -- A copy that a newer one had already replaced when it happened was never in force.
    where l.overtaken_at is null or l.overtaken_at > s.occurred_at
)

select
    cast(f.coupon_id as text) as coupon_id,
    cast(f.version as bigint) as version,
    cast(case when f.step > 1 then f.occurred_at end as timestamptz) as since,
    cast(f.until as timestamptz) as until,
    cast(f.doc as json) as doc
from in_force as f
