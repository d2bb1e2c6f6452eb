-- description: Every touch of each company, also those after its sign-up, with the identifier that brought it in.
--   A touch counts for every company one of its identifiers belongs to, and once for each.
-- grain: company_id, touchpoint_id
-- owner: team:marketing
-- partition: occurred_at
-- identifiers: company_id, touchpoint_id, via_node
-- check: within_five_hops error: hop between 1 and 5
-- column: company_id: The company.
-- column: touchpoint_id: The touch.
-- column: occurred_at: When it happened.
-- column: channel: The marketing channel.
-- column: hop: Steps from the company to the identifier; the nearer of browser and e-mail address.
-- column: via_node: That identifier: a browser's id or an e-mail address.
-- column: campaign: utm_campaign.
-- column: gclid: Google's click id.
-- column: wbraid: Google's click id, iOS app to web.
-- column: gbraid: Google's click id, iOS web to app.
-- column: fbclid: Meta's click id.
-- column: fbp: Meta's browser id; says nothing of a channel.
-- column: msclkid: Microsoft's click id.
-- column: li_fat_id: LinkedIn's click id.
with identifier_of_both as (
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
        i.company_id,
        i.hop,
        i.node,
        b.touchpoint_id,
        row_number() over (
            partition by i.company_id, b.touchpoint_id
            order by i.hop asc nulls last, byte_order(i.node) asc nulls last
        ) as place
    from identifier_of_both as b
    join attribution.company_identity as i on i.node = b.node
),

-- A touch with one identifier is found by it; one with both by itself, since only the nearer of the two counts.
-- No identifier has a blank, so the two kinds of keys never meet.
reached as (
    select i.company_id, i.hop, i.node, i.node as found_by
    from attribution.company_identity as i
    union all
    select n.company_id, n.hop, n.node, 'touch ' || n.touchpoint_id as found_by
    from nearer as n
    where n.place = 1
)

select
    cast(r.company_id as text) as company_id,
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
