-- description: Every touch of each company, also those after its sign-up, with the identifier that brought it in.
--   A touch counts for every company one of its identifiers belongs to, and once for each.
-- grain: company_id, touchpoint_id
-- owner: team:marketing
-- partition: occurred_at
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

both_match as (
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

matched as (
    select
        i.company_id,
        i.hop,
        i.node,
        t.touchpoint_id,
        t.occurred_at,
        t.channel,
        t.campaign,
        t.gclid,
        t.wbraid,
        t.gbraid,
        t.fbclid,
        t.fbp,
        t.msclkid,
        t.li_fat_id
    from attribution.interaction_touchpoints as t
    join attribution.company_identity as i on i.node = t.client_id
    where t.email is null
    union all
    select
        i.company_id,
        i.hop,
        i.node,
        t.touchpoint_id,
        t.occurred_at,
        t.channel,
        t.campaign,
        t.gclid,
        t.wbraid,
        t.gbraid,
        t.fbclid,
        t.fbp,
        t.msclkid,
        t.li_fat_id
    from attribution.interaction_touchpoints as t
    join attribution.company_identity as i on i.node = t.email
    where t.client_id is null
    union all
    select
        b.company_id,
        b.hop,
        b.node,
        t.touchpoint_id,
        t.occurred_at,
        t.channel,
        t.campaign,
        t.gclid,
        t.wbraid,
        t.gbraid,
        t.fbclid,
        t.fbp,
        t.msclkid,
        t.li_fat_id
    from both_match as b
    join attribution.interaction_touchpoints as t on t.touchpoint_id = b.touchpoint_id
    where b.place = 1
)

select
    cast(m.company_id as text) as company_id,
    cast(m.touchpoint_id as text) as touchpoint_id,
    cast(m.occurred_at as timestamptz) as occurred_at,
    cast(m.channel as text) as channel,
    cast(m.hop as bigint) as hop,
    cast(m.node as text) as via_node,
    cast(m.campaign as text) as campaign,
    cast(m.gclid as text) as gclid,
    cast(m.wbraid as text) as wbraid,
    cast(m.gbraid as text) as gbraid,
    cast(m.fbclid as text) as fbclid,
    cast(m.fbp as text) as fbp,
    cast(m.msclkid as text) as msclkid,
    cast(m.li_fat_id as text) as li_fat_id
from matched as m
