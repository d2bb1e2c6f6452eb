-- description: Every copy of every Chargebee resource that came with an event, in the order of its versions.
--   A copy that came after a newer or equal one of its resource is stale: recorded, never applied.
-- grain: resource_type, resource_id, event_id
-- owner: team:revops
-- materialized: view
-- column: resource_type: subscription, customer, invoice, transaction, credit_note, coupon and so on.
-- column: resource_id: The resource's id in Chargebee.
-- column: event_id: The event the copy came with.
-- column: event_type: What happened.
-- column: resource_version: Grows with every change of the resource; null when Chargebee sent none.
-- column: version_order: What copies of a resource are sorted by: its version, else the event's time, in milliseconds.
-- column: occurred_at: When the event happened.
-- column: received_at: When the platform stored the event.
-- column: stale: A newer or equal copy was stored before this one.
-- column: copy: The resource as Chargebee sent it.
with resource as (
    select
        e.event_id,
        e.event_type,
        e.occurred_at,
        e.received_at,
        r.resource_type,
        json_part(e.content, r.resource_type) as copy
    from payments.payment_events as e
    cross join (
        values ('subscription'), ('customer'), ('invoice'), ('transaction'), ('credit_note'), ('coupon'), ('item_price'),
            ('payment_source'), ('card')
    ) as r (resource_type)
),

versioned as (
    select
        c.event_id,
        c.event_type,
        c.occurred_at,
        c.received_at,
        c.resource_type,
        c.copy,
        tidy(json_text(c.copy, 'id')) as resource_id,
        json_text(c.copy, 'resource_version') as resource_version
    from resource as c
),

sorted as (
    select
        v.event_id,
        v.event_type,
        v.occurred_at,
        v.received_at,
        v.resource_type,
        v.copy,
        v.resource_id,
        whole_number_of(v.resource_version) as resource_version,
        version_of(v.resource_version, v.occurred_at) as version_order
    from versioned as v
    where v.resource_id is not null
),

arrived as (
    select
        s.event_id,
        s.event_type,
        s.occurred_at,
        s.received_at,
        s.resource_type,
        s.copy,
        s.resource_id,
        s.resource_version,
        s.version_order,
        max(s.version_order) over (
            partition by s.resource_type, s.resource_id
            order by s.received_at asc nulls first, s.event_id asc nulls first
        ) as newest_so_far,
        row_number() over (
            partition by s.resource_type, s.resource_id, s.version_order
            order by s.received_at asc nulls last, s.event_id asc nulls last
        ) as nth_of_version
    from sorted as s
)

select
    cast(a.resource_type as text) as resource_type,
    cast(a.resource_id as text) as resource_id,
    cast(a.event_id as text) as event_id,
    cast(a.event_type as text) as event_type,
    cast(a.resource_version as bigint) as resource_version,
    cast(a.version_order as bigint) as version_order,
    cast(a.occurred_at as timestamptz) as occurred_at,
    cast(a.received_at as timestamptz) as received_at,
    cast(a.version_order < a.newest_so_far or a.nth_of_version > 1 as boolean) as stale,
    cast(a.copy as json) as copy
from arrived as a
