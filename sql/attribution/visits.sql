-- description: One row per visit of the web site: the session, the browser and the marketing channel it came by.
--   Campaign and click ids are kept as they were landed; a session without a usable id is in rejected_session.
-- grain: visit_id
-- owner: team:marketing
-- partition: occurred_at
-- identifiers: visit_id, client_id, landing_url
-- check: channel_known error: is_channel(channel)
-- check: channel_classified warn: channel <> 'other'
-- column: visit_id: The session's id, a UUID in lower case.
-- column: client_id: The browser's id, a UUID in lower case.
-- column: occurred_at: When the session began.
-- column: ingested_at: When the tracking service stored it; else when it began.
-- column: channel: The marketing channel, by the first rule that fits.
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
-- column: landing_url: The address the visit began on.
-- column: referrer: The page it came from.
with landed as (
    select
        s.session_id,
        uuid_of(s.session_id) as visit_id,
        uuid_of(s.client_id) as client_id,
        s.started_at,
        coalesce(s.ingested_at, s.started_at) as ingested_at,
        s.utm_campaign,
        s.utm_source,
        s.utm_medium,
        s.utm_term,
        s.utm_content,
        s.gclid,
        s.wbraid,
        s.gbraid,
        s.fbclid,
        s.fbp,
        s.msclkid,
        s.li_fat_id,
        s.landing_url,
        s.referrer
    from product.session as s
),

spelled_oddly as (
    select distinct l.visit_id
    from landed as l
    where l.visit_id <> l.session_id
),

repeated as (
    select
        l.session_id,
        row_number() over (
            partition by l.visit_id
            order by l.ingested_at desc nulls last, byte_order(l.session_id) asc nulls last
        ) as place
    from landed as l
    join spelled_oddly as o on o.visit_id = l.visit_id
    where l.client_id is not null
),

usable as (
    select
        l.visit_id,
        l.client_id,
        l.started_at,
        l.ingested_at,
        l.utm_campaign,
        l.utm_source,
        l.utm_medium,
        l.utm_term,
        l.utm_content,
        l.gclid,
        l.wbraid,
        l.gbraid,
        l.fbclid,
        l.fbp,
        l.msclkid,
        l.li_fat_id,
        l.landing_url,
        l.referrer,
        lower(tidy(l.utm_source)) as source,
        lower(tidy(l.utm_medium)) as medium,
        lower(tidy(l.utm_campaign)) as campaign,
        coalesce(click_id('gclid', l.gclid), click_id('wbraid', l.wbraid), click_id('gbraid', l.gbraid))
        is not null as on_google,
        click_id('msclkid', l.msclkid) is not null as on_microsoft,
        click_id('li_fat_id', l.li_fat_id) is not null as on_linkedin,
        click_id('fbclid', l.fbclid) is not null as on_meta,
        host_of(l.referrer) as host,
        -- Where a campaign is named, no host decides.
        case
            when l.referrer is not null and tidy(l.utm_source) is null and tidy(l.utm_medium) is null
                then host_of(l.landing_url)
        end as landing_host
    from landed as l
    left join repeated as r on r.session_id = l.session_id
    where l.visit_id is not null and l.client_id is not null and coalesce(r.place, 1) = 1
)

select
    cast(u.visit_id as text) as visit_id,
    cast(u.client_id as text) as client_id,
    cast(u.started_at as timestamptz) as occurred_at,
    cast(u.ingested_at as timestamptz) as ingested_at,
    cast(
        channel_of(
            u.source,
            u.medium,
            u.campaign,
            u.on_google,
            u.on_microsoft,
            u.on_linkedin,
            u.on_meta,
            case when not within_host(u.host, u.landing_host) and not matches(u.host, ${own_hosts}) then u.host end
        ) as text
    ) as channel,
    cast(u.utm_campaign as text) as campaign,
    cast(u.utm_source as text) as source,
    cast(u.utm_medium as text) as medium,
    cast(u.utm_term as text) as term,
    cast(u.utm_content as text) as content,
    cast(u.gclid as text) as gclid,
    cast(u.wbraid as text) as wbraid,
    cast(u.gbraid as text) as gbraid,
    cast(u.fbclid as text) as fbclid,
    cast(u.fbp as text) as fbp,
    cast(u.msclkid as text) as msclkid,
    cast(u.li_fat_id as text) as li_fat_id,
    cast(u.landing_url as text) as landing_url,
    cast(u.referrer as text) as referrer
from usable as u
