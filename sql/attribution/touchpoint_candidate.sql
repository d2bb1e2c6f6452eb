-- description: Every touch as its source tells it: visits, leads, mobile sign-ups and touches another system made.
--   interaction_touchpoints keeps the usable ones and rejected_touchpoint the others.
-- grain: row_key
-- owner: team:marketing
-- materialized: view
-- column: row_key: The source type and the key of the source's row; one row each.
-- column: touchpoint_id: 32 digits that only source type and source key decide; another system's touches keep theirs.
-- column: source_type: visit, lead, mobile_signup or external.
-- column: source_id: The key in the source.
-- column: occurred_at: When it happened.
-- column: ingested_at: When it was stored; else when it happened.
-- column: given_client_id: The browser's id as the source has it.
-- column: given_email: The e-mail address as the source has it.
-- column: client_id: The browser's id, a UUID in lower case; null when it is none.
-- column: email: The e-mail address, trimmed and in lower case; null when it is none.
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
-- column: reason: Why the touch is refused, apart from the future; null for a usable one.
with by_query as (
    select
        'lead' as source_type,
        l.lead_id as source_id,
        l.submitted_at as occurred_at,
        l.submitted_at as ingested_at,
        l.client_id,
        l.email,
        query_of(l.page_url) as query
    from product.lead as l
    union all
    select
        'mobile_signup' as source_type,
        m.event_id as source_id,
        m.occurred_at,
        m.occurred_at as ingested_at,
        m.client_id,
        m.email,
        m.install_referrer as query
    from product.mobile_signup as m
),

read as (
    select
        f.source_type,
        f.source_id,
        f.occurred_at,
        f.ingested_at,
        f.client_id,
        f.email,
        query_value(f.query, 'utm_campaign') as campaign,
        query_value(f.query, 'utm_source') as source,
        query_value(f.query, 'utm_medium') as medium,
        query_value(f.query, 'utm_term') as term,
        query_value(f.query, 'utm_content') as content,
        query_value(f.query, 'gclid') as gclid,
        query_value(f.query, 'wbraid') as wbraid,
        query_value(f.query, 'gbraid') as gbraid,
        query_value(f.query, 'fbclid') as fbclid,
        query_value(f.query, 'fbp') as fbp,
        query_value(f.query, 'msclkid') as msclkid,
        query_value(f.query, 'li_fat_id') as li_fat_id
    from by_query as f
),

parsed as (
    select
        r.source_type,
        r.source_id,
        r.occurred_at,
        r.ingested_at,
        r.client_id,
        r.email,
        r.campaign,
        r.source,
        r.medium,
        r.term,
        r.content,
        click_id('gclid', r.gclid) as gclid,
        click_id('wbraid', r.wbraid) as wbraid,
        click_id('gbraid', r.gbraid) as gbraid,
        click_id('fbclid', r.fbclid) as fbclid,
        click_id('fbp', r.fbp) as fbp,
        click_id('msclkid', r.msclkid) as msclkid,
        click_id('li_fat_id', r.li_fat_id) as li_fat_id
    from read as r
),

touch as (
    select
        'visit:' || v.visit_id as row_key,
        stable_id('visit:' || v.visit_id) as touchpoint_id,
        'visit' as source_type,
        v.visit_id as source_id,
        v.occurred_at,
        v.ingested_at,
        v.client_id as given_client_id,
        cast(null as text) as given_email,
        v.client_id,
        cast(null as text) as email,
        cast(null as text) as bad_identity,
        v.channel,
        v.campaign,
        v.source,
        v.medium,
        v.term,
        v.content,
        click_id('gclid', v.gclid) as gclid,
        click_id('wbraid', v.wbraid) as wbraid,
        click_id('gbraid', v.gbraid) as gbraid,
        click_id('fbclid', v.fbclid) as fbclid,
        click_id('fbp', v.fbp) as fbp,
        click_id('msclkid', v.msclkid) as msclkid,
        click_id('li_fat_id', v.li_fat_id) as li_fat_id
    from attribution.visits as v
    union all
    select
        p.source_type || ':' || p.source_id as row_key,
        stable_id(p.source_type || ':' || p.source_id) as touchpoint_id,
        p.source_type,
        p.source_id,
        p.occurred_at,
        p.ingested_at,
        p.client_id as given_client_id,
        p.email as given_email,
        uuid_of(p.client_id) as client_id,
        intake_email_of(p.email) as email,
        case
            when tidy(p.client_id) is not null and uuid_of(p.client_id) is null then 'bad_client_id'
            when tidy(p.email) is not null and intake_email_of(p.email) is null then 'bad_email'
            when tidy(p.client_id) is null and tidy(p.email) is null then 'no_identity'
        end as bad_identity,
        channel_of(
            lower(p.source),
            lower(p.medium),
            lower(p.campaign),
            coalesce(p.gclid, p.wbraid, p.gbraid) is not null,
            p.msclkid is not null,
            p.li_fat_id is not null,
            p.fbclid is not null,
            cast(null as text)
        ) as channel,
        p.campaign,
        p.source,
        p.medium,
        p.term,
        p.content,
        p.gclid,
        p.wbraid,
        p.gbraid,
        p.fbclid,
        p.fbp,
        p.msclkid,
        p.li_fat_id
    from parsed as p
    union all
    select
        'external:' || x.touchpoint_id as row_key,
        x.touchpoint_id,
        'external' as source_type,
        x.source_id,
        x.occurred_at,
        coalesce(x.ingested_at, x.occurred_at) as ingested_at,
        x.client_id as given_client_id,
        x.email as given_email,
        uuid_of(x.client_id) as client_id,
        intake_email_of(x.email) as email,
        case
            when tidy(x.client_id) is not null and uuid_of(x.client_id) is null then 'bad_client_id'
            when tidy(x.email) is not null and intake_email_of(x.email) is null then 'bad_email'
            when tidy(x.client_id) is null and tidy(x.email) is null then 'no_identity'
        end as bad_identity,
        lower(tidy(x.channel)) as channel,
        x.campaign,
        x.source,
        x.medium,
        x.term,
        x.content,
        click_id('gclid', x.gclid) as gclid,
        click_id('wbraid', x.wbraid) as wbraid,
        click_id('gbraid', x.gbraid) as gbraid,
        click_id('fbclid', x.fbclid) as fbclid,
        click_id('fbp', x.fbp) as fbp,
        click_id('msclkid', x.msclkid) as msclkid,
        click_id('li_fat_id', x.li_fat_id) as li_fat_id
    from product.interaction_touchpoint as x
),

judged as (
    select
        t.row_key,
        t.touchpoint_id,
        t.source_type,
        t.source_id,
        t.occurred_at,
        t.ingested_at,
        t.given_client_id,
        t.given_email,
        t.client_id,
        t.email,
        t.bad_identity,
        t.channel,
        t.source_type <> 'external' or coalesce(is_channel(t.channel), false) as is_known,
        t.campaign,
        t.source,
        t.medium,
        t.term,
        t.content,
        t.gclid,
        t.wbraid,
        t.gbraid,
        t.fbclid,
        t.fbp,
        t.msclkid,
        t.li_fat_id
    from touch as t
)

select
    cast(t.row_key as text) as row_key,
    cast(t.touchpoint_id as text) as touchpoint_id,
    cast(t.source_type as text) as source_type,
    cast(t.source_id as text) as source_id,
    cast(t.occurred_at as timestamptz) as occurred_at,
    cast(t.ingested_at as timestamptz) as ingested_at,
    cast(t.given_client_id as text) as given_client_id,
    cast(t.given_email as text) as given_email,
    cast(t.client_id as text) as client_id,
    cast(t.email as text) as email,
    cast(case when t.is_known then t.channel else 'other' end as text) as channel,
    cast(not t.is_known as boolean) as channel_flagged,
    cast(t.campaign as text) as campaign,
    cast(t.source as text) as source,
    cast(t.medium as text) as medium,
    cast(t.term as text) as term,
    cast(t.content as text) as content,
    cast(t.gclid as text) as gclid,
    cast(t.wbraid as text) as wbraid,
    cast(t.gbraid as text) as gbraid,
    cast(t.fbclid as text) as fbclid,
    cast(t.fbp as text) as fbp,
    cast(t.msclkid as text) as msclkid,
    cast(t.li_fat_id as text) as li_fat_id,
    cast(
        case
            when t.occurred_at is null then 'bad_timestamp'
            when t.occurred_at < cast('2010-01-01 00:00:00+00:00' as timestamptz) then 'too_old'
            else t.bad_identity
        end as text
    ) as reason
from judged as t
