-- description: The browsers and e-mail addresses of each company, found in up to five steps: what the product knows to
--   be the company's, then from e-mail address to browser and back. Each stands at the fewest steps it takes.
-- grain: company_id, node_type, node
-- owner: team:marketing
-- partition: computed_at
-- identifiers: company_id, node, via_node
-- check: within_five_hops error: hop between 1 and 5
-- check: hop_limit_reached warn: not goes_on
-- check: not_a_hub warn: not is_hub
-- column: company_id: The company.
-- column: node_type: client_id or email.
-- column: node: The identifier, normalised.
-- column: hop: Steps from the company, from 1 to 5.
-- column: via_node: The identifier it was reached from, the first in byte order; null for the company's own.
-- column: is_hub: It has more neighbours than the limit and is not followed any further.
-- column: closes_cycle: There is a second way to it or from it.
-- column: goes_on: It stands at five steps and has a neighbour nobody reached.
-- column: computed_at: When the table was computed.
with clean as materialized (
    select distinct
        email_of(e.email) as email,
        uuid_of(e.client_id) as client_id
    from product.email_to_client_id as e
    where email_of(e.email) is not null and uuid_of(e.client_id) is not null
),

edge as materialized (
    select c.email as node, c.client_id as neighbour from clean as c
    union all
    select r.client_id as node, r.email as neighbour from clean as r
),

hub as materialized (
    select e.node
    from edge as e
    group by e.node
    having count(*) > ${hub_neighbours}
),

way as materialized (
    select
        e.node,
        e.neighbour,
        t.node is not null as to_hub
    from edge as e
    left join hub as h on h.node = e.node
    left join hub as t on t.node = e.neighbour
    where h.node is null
),

own as (
    select
        tidy(o.company_id) as company_id,
        uuid_of(o.client_id) as node
    from product.company_to_client_id as o
    union
    select
        tidy(m.company_id) as company_id,
        email_of(m.email) as node
    from product.company_to_email as m
),

hop_1 as materialized (
    select
        o.company_id,
        o.node,
        cast(null as text) as via_node,
        case when h.node is null then 0 else 1 end as is_hub,
        1 as ways
    from own as o
    left join hub as h on h.node = o.node
    where o.company_id is not null and o.node is not null
),

step_2 as materialized (
    select
        f.company_id,
        f.node as from_node,
        w.neighbour as to_node,
        w.to_hub,
        k.hop as known_hop,
        k.is_hub as known_hub
    from hop_1 as f
    join way as w on w.node = f.node
    left join (
        select k1.company_id, k1.node, 1 as hop, k1.is_hub from hop_1 as k1
    ) as k on k.company_id = f.company_id and k.node = w.neighbour
),

hop_2 as materialized (
    select
        s.company_id,
        s.to_node as node,
        min_text(s.from_node) as via_node,
        max(case when s.to_hub then 1 else 0 end) as is_hub,
        count(*) as ways
    from step_2 as s
    where s.known_hop is null
    group by s.company_id, s.to_node
),

step_3 as materialized (
    select
        f.company_id,
        f.node as from_node,
        w.neighbour as to_node,
        w.to_hub,
        k.hop as known_hop,
        k.is_hub as known_hub
    from hop_2 as f
    join way as w on w.node = f.node
    left join (
        select k1.company_id, k1.node, 1 as hop, k1.is_hub from hop_1 as k1
        union all
        select k2.company_id, k2.node, 2 as hop, k2.is_hub from hop_2 as k2
    ) as k on k.company_id = f.company_id and k.node = w.neighbour
),

hop_3 as materialized (
    select
        s.company_id,
        s.to_node as node,
        min_text(s.from_node) as via_node,
        max(case when s.to_hub then 1 else 0 end) as is_hub,
        count(*) as ways
    from step_3 as s
    where s.known_hop is null
    group by s.company_id, s.to_node
),

step_4 as materialized (
    select
        f.company_id,
        f.node as from_node,
        w.neighbour as to_node,
        w.to_hub,
        k.hop as known_hop,
        k.is_hub as known_hub
    from hop_3 as f
    join way as w on w.node = f.node
    left join (
        select k1.company_id, k1.node, 1 as hop, k1.is_hub from hop_1 as k1
        union all
        select k2.company_id, k2.node, 2 as hop, k2.is_hub from hop_2 as k2
        union all
        select k3.company_id, k3.node, 3 as hop, k3.is_hub from hop_3 as k3
    ) as k on k.company_id = f.company_id and k.node = w.neighbour
),

hop_4 as materialized (
    select
        s.company_id,
        s.to_node as node,
        min_text(s.from_node) as via_node,
        max(case when s.to_hub then 1 else 0 end) as is_hub,
        count(*) as ways
    from step_4 as s
    where s.known_hop is null
    group by s.company_id, s.to_node
),

step_5 as materialized (
    select
        f.company_id,
        f.node as from_node,
        w.neighbour as to_node,
        w.to_hub,
        k.hop as known_hop,
        k.is_hub as known_hub
    from hop_4 as f
    join way as w on w.node = f.node
    left join (
        select k1.company_id, k1.node, 1 as hop, k1.is_hub from hop_1 as k1
        union all
        select k2.company_id, k2.node, 2 as hop, k2.is_hub from hop_2 as k2
        union all
        select k3.company_id, k3.node, 3 as hop, k3.is_hub from hop_3 as k3
        union all
        select k4.company_id, k4.node, 4 as hop, k4.is_hub from hop_4 as k4
    ) as k on k.company_id = f.company_id and k.node = w.neighbour
),

hop_5 as materialized (
    select
        s.company_id,
        s.to_node as node,
        min_text(s.from_node) as via_node,
        max(case when s.to_hub then 1 else 0 end) as is_hub,
        count(*) as ways
    from step_5 as s
    where s.known_hop is null
    group by s.company_id, s.to_node
),

node as materialized (
    select h1.company_id, h1.node, 1 as hop, h1.via_node, h1.is_hub, h1.ways from hop_1 as h1
    union all
    select h2.company_id, h2.node, 2 as hop, h2.via_node, h2.is_hub, h2.ways from hop_2 as h2
    union all
    select h3.company_id, h3.node, 3 as hop, h3.via_node, h3.is_hub, h3.ways from hop_3 as h3
    union all
    select h4.company_id, h4.node, 4 as hop, h4.via_node, h4.is_hub, h4.ways from hop_4 as h4
    union all
    select h5.company_id, h5.node, 5 as hop, h5.via_node, h5.is_hub, h5.ways from hop_5 as h5
),

loop as (
    select s2.company_id, s2.from_node as node from step_2 as s2 where s2.known_hop = 1 or s2.known_hub = 1
    union
    select s3.company_id, s3.from_node as node from step_3 as s3 where s3.known_hop = 2 or s3.known_hub = 1
    union
    select s4.company_id, s4.from_node as node from step_4 as s4 where s4.known_hop = 3 or s4.known_hub = 1
    union
    select s5.company_id, s5.from_node as node from step_5 as s5 where s5.known_hop = 4 or s5.known_hub = 1
),

further as (
    select distinct
        f.company_id,
        f.node
    from hop_5 as f
    join way as w on w.node = f.node
    left join node as k on k.company_id = f.company_id and k.node = w.neighbour
    where k.node is null
)

select
    cast(n.company_id as text) as company_id,
    cast(case when n.node like '%@%' then 'email' else 'client_id' end as text) as node_type,
    cast(n.node as text) as node,
    cast(n.hop as bigint) as hop,
    cast(n.via_node as text) as via_node,
    cast(n.is_hub = 1 as boolean) as is_hub,
    cast(n.ways > 1 or l.node is not null as boolean) as closes_cycle,
    cast(r.node is not null as boolean) as goes_on,
    cast(${as_of} as timestamptz) as computed_at
from node as n
left join loop as l on l.company_id = n.company_id and l.node = n.node
left join further as r on r.company_id = n.company_id and r.node = n.node
