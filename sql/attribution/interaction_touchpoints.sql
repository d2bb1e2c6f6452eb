-- description: One row per usable touch of a person with the company, from visits, leads, mobile sign-ups and other
--   systems. Of several rows with one id the last ingested counts.
-- grain: touchpoint_id
-- owner: team:marketing
-- partition: occurred_at
-- identifiers: touchpoint_id, source_id, client_id, email
-- check: channel_known error: is_channel(channel)
-- check: channel_given_is_known warn: not channel_flagged
-- check: somebody error: client_id is not null or email is not null
-- column: touchpoint_id: Decided by source type and source key alone.
-- column: source_type: visit, lead, mobile_signup or external.
-- column: source_id: The key in the source.
-- column: occurred_at: When it happened.
-- column: ingested_at: When it was stored.
-- column: client_id: The browser, where known.
-- column: email: The e-mail address, where known.
-- column: channel: The marketing channel.
-- column: channel_flagged: The source gave a channel nobody knows, which became other.
-- column: campaign: utm_campaign.
-- column: source: utm_source.
-- column: medium: utm_medium.
-- column: term: utm_term.
-- column: content: utm_content.
-- column: gclid: Google's click id.
-- column: wbraid: Google's click id, iOS app to web.
-- column: gbraid: Google's click id, iOS web to app.
-- column: fbclid: Meta's click id.
-- column: fbp: Meta's browser id; says nothing of a channel.
-- column: msclkid: Microsoft's click id.
-- column: li_fat_id: LinkedIn's click id.
with usable as (
    select
        c.row_key,
        c.touchpoint_id,
        c.source_type,
        c.source_id,
        c.occurred_at,
        c.ingested_at,
        c.client_id,
        c.email,
        c.channel,
        c.channel_flagged,
        c.campaign,
        c.source,
        c.medium,
        c.term,
        c.content,
        c.gclid,
        c.wbraid,
        c.gbraid,
        c.fbclid,
        c.fbp,
        c.msclkid,
        c.li_fat_id
    from attribution.touchpoint_candidate as c
    where c.reason is null and (c.occurred_at <= ${as_of} or seconds_between(${as_of}, c.occurred_at) <= 300)
),

given_elsewhere as (
    select distinct x.touchpoint_id
    from product.interaction_touchpoint as x
),

repeated as (
    select
        u.row_key,
        row_number() over (
            partition by u.touchpoint_id
            order by u.ingested_at desc nulls last, byte_order(u.row_key) asc nulls last
        ) as place
    from usable as u
    join given_elsewhere as g on g.touchpoint_id = u.touchpoint_id
)

select
    cast(u.touchpoint_id as text) as touchpoint_id,
    cast(u.source_type as text) as source_type,
    cast(u.source_id as text) as source_id,
    cast(u.occurred_at as timestamptz) as occurred_at,
    cast(u.ingested_at as timestamptz) as ingested_at,
    cast(u.client_id as text) as client_id,
    cast(u.email as text) as email,
    cast(u.channel as text) as channel,
    cast(u.channel_flagged as boolean) as channel_flagged,
    cast(u.campaign as text) as campaign,
    cast(u.source as text) as source,
    cast(u.medium as text) as medium,
    cast(u.term as text) as term,
    cast(u.content as text) as content,
    cast(u.gclid as text) as gclid,
    cast(u.wbraid as text) as wbraid,
    cast(u.gbraid as text) as gbraid,
    cast(u.fbclid as text) as fbclid,
    cast(u.fbp as text) as fbp,
    cast(u.msclkid as text) as msclkid,
    cast(u.li_fat_id as text) as li_fat_id
from usable as u
left join repeated as r on r.row_key = u.row_key
where coalesce(r.place, 1) = 1
