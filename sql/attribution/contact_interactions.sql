-- description: Every touch of each contact: those of the e-mail address and those of the browsers it was itself seen
--   in. No further step is taken, so nobody is credited with a colleague's touches.
-- grain: email, touchpoint_id
-- owner: team:marketing
-- partition: occurred_at
-- column: email: The contact.
-- column: touchpoint_id: The touch.
-- column: occurred_at: When it happened.
-- column: channel: The marketing channel.
-- column: hop: 0 for a touch of the address itself, 1 for one of a browser.
-- column: via_node: The address or the browser.
-- column: campaign: utm_campaign.
-- column: gclid: Google's click id.
-- column: wbraid: Google's click id, iOS app to web.
-- column: gbraid: Google's click id, iOS web to app.
-- column: fbclid: Meta's click id.
-- column: fbp: Meta's browser id; says nothing of a channel.
-- column: msclkid: Microsoft's click id.
-- column: li_fat_id: LinkedIn's click id.
with link as (
    select c.usable_email as email, c.usable_email as node, 0 as hop
    from attribution.contact as c
    where c.usable_email is not null
    union
    select email_of(e.email) as email, uuid_of(e.client_id) as node, 1 as hop
    from product.email_to_client_id as e
    where email_of(e.email) is not null and uuid_of(e.client_id) is not null
),

matched as (
    select l.email, l.node, l.hop, t.touchpoint_id, t.client_id is not null as has_both
    from link as l
    join attribution.interaction_touchpoints as t on t.email = l.node
    where l.hop = 0
    union all
    select l.email, l.node, l.hop, t.touchpoint_id, t.email is not null as has_both
    from link as l
    join attribution.interaction_touchpoints as t on t.client_id = l.node
    where l.hop = 1
),

numbered as (
    select
        m.email,
        m.node,
        m.hop,
        m.touchpoint_id,
        row_number() over (
            partition by m.email, m.touchpoint_id
            order by m.hop asc nulls last, byte_order(m.node) asc nulls last
        ) as place
    from matched as m
    where m.has_both
),

kept as (
    select m.email, m.node, m.hop, m.touchpoint_id
    from matched as m
    where not m.has_both
    union all
    select n.email, n.node, n.hop, n.touchpoint_id
    from numbered as n
    where n.place = 1
)

select
    cast(k.email as text) as email,
    cast(k.touchpoint_id as text) as touchpoint_id,
    cast(t.occurred_at as timestamptz) as occurred_at,
    cast(t.channel as text) as channel,
    cast(k.hop as bigint) as hop,
    cast(k.node as text) as via_node,
    cast(t.campaign as text) as campaign,
    cast(t.gclid as text) as gclid,
    cast(t.wbraid as text) as wbraid,
    cast(t.gbraid as text) as gbraid,
    cast(t.fbclid as text) as fbclid,
    cast(t.fbp as text) as fbp,
    cast(t.msclkid as text) as msclkid,
    cast(t.li_fat_id as text) as li_fat_id
from kept as k
join attribution.interaction_touchpoints as t on t.touchpoint_id = k.touchpoint_id
