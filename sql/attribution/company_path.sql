-- description: The touches of each company up to its sign-up, numbered in time; a company not signed up yet has them
--   all. At one instant direct traffic comes last, then the smaller id first.
-- grain: company_id, position
-- owner: team:marketing
-- partition: occurred_at
-- identifiers: touchpoint_id
-- column: company_id: The company.
-- column: position: 1 for the oldest touch.
-- column: from_end: 1 for the newest touch; at one instant the order is the same as for position.
-- column: touchpoint_id: The touch.
-- column: occurred_at: When it happened.
-- column: channel: The marketing channel.
-- column: seconds_before: Seconds from the touch to the sign-up, or to the run.
with eligible as (
    select
        i.company_id,
        i.touchpoint_id,
        i.occurred_at,
        i.channel,
        case when i.channel = 'direct' then 1 else 0 end as is_direct,
        coalesce(c.signup_timestamp, ${as_of}) as anchor
    from attribution.company_interactions as i
    join product.company as c on tidy(c.company_id) = i.company_id
    where i.occurred_at <= coalesce(c.signup_timestamp, ${as_of})
),

-- One order serves all: `first_at_instant` and `last_at_instant` are the places of the first and the last touch of the
-- same instant, so that counting from the end does not have to sort again.
placed as (
    select
        e.company_id,
        e.touchpoint_id,
        e.occurred_at,
        e.channel,
        e.anchor,
        row_number() over (
            partition by e.company_id
            order by
                e.occurred_at asc nulls first,
                e.is_direct asc nulls first,
                byte_order(e.touchpoint_id) asc nulls first
        ) as position,
        rank() over (partition by e.company_id order by e.occurred_at asc nulls first) as first_at_instant,
        count(*) over (partition by e.company_id order by e.occurred_at asc nulls first) as last_at_instant,
        count(*) over (partition by e.company_id) as touches
    from eligible as e
)

select
    cast(p.company_id as text) as company_id,
    cast(p.position as bigint) as position,
    cast(p.touches - p.last_at_instant + p.position - p.first_at_instant + 1 as bigint) as from_end,
    cast(p.touchpoint_id as text) as touchpoint_id,
    cast(p.occurred_at as timestamptz) as occurred_at,
    cast(p.channel as text) as channel,
    cast(seconds_between(p.occurred_at, p.anchor) as decimal(38, 10)) as seconds_before
from placed as p
