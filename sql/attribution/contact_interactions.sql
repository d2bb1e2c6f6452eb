-- description: Every touch of each contact: those of the e-mail address and those of the browsers it was itself seen
--   in. No further step is taken, so nobody is credited with a colleague's touches.
-- grain: email, touchpoint_id
-- owner: team:marketing
-- partition: occurred_at
-- identifiers: email, touchpoint_id, via_node
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
    select intake_email_of(e.email) as email, uuid_of(e.client_id) as node, 1 as hop
    from product.email_to_client_id as e
    where intake_email_of(e.email) is not null and uuid_of(e.client_id) is not null
),

identifier_of_both as (
    select t.touchpoint_id, t.client_id as node
    from attribution.interaction_touchpoints as t
    where t.client_id is not null and t.email is not null
    union all
    select t.touchpoint_id, t.email as node
    from attribution.interaction_touchpoints as t
    where t.client_id is not null and t.email is not null
),

nearer as (
    select
        l.email,
        l.hop,
        l.node,
        b.touchpoint_id,
        row_number() over (
            partition by l.email, b.touchpoint_id
            order by l.hop asc nulls last, byte_order(l.node) asc nulls last
        ) as place
    from identifier_of_both as b
    join link as l on l.node = b.node
),

-- As in company_interactions: a touch with one identifier is found by it, one with both by itself.
reached as (
    select l.email, l.hop, l.node, l.node as found_by
    from link as l
    union all
    select n.email, n.hop, n.node, 'touch ' || n.touchpoint_id as found_by
    from nearer as n
    where n.place = 1
)

select
    cast(r.email as text) as email,
    cast(t.touchpoint_id as text) as touchpoint_id,
    cast(t.occurred_at as timestamptz) as occurred_at,
    cast(t.channel as text) as channel,
    cast(r.hop as bigint) as hop,
    cast(r.node as text) as via_node,
    cast(t.campaign as text) as campaign,
    cast(t.gclid as text) as gclid,
    cast(t.wbraid as text) as wbraid,
    cast(t.gbraid as text) as gbraid,
    cast(t.fbclid as text) as fbclid,
    cast(t.fbp as text) as fbp,
    cast(t.msclkid as text) as msclkid,
    cast(t.li_fat_id as text) as li_fat_id
from attribution.interaction_touchpoints as t
join reached as r
    on r.found_by = case
        when t.client_id is null then t.email
        when t.email is null then t.client_id
        else 'touch ' || t.touchpoint_id
    end
