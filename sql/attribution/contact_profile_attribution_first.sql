-- description: The oldest touch of each contact up to the creation of its user. Contacts are the addresses of users,
--   leads, mobile sign-ups and links, also those that are no e-mail address.
-- grain: email
-- owner: team:marketing
-- partition: computed_at
-- identifiers: email, touchpoint_id, client_id, touch_email, via_node, gclid, runner_up_touchpoint_id,
--   first_non_direct_touchpoint_id, last_non_direct_touchpoint_id
-- check: status_known error: accepted_values(status, 'attributed', 'no_touchpoints', 'invalid_email')
-- check: touch_before_anchor error: occurred_at is null or occurred_at <= anchor
-- check: email_usable warn: status <> 'invalid_email'
-- column: email: The contact, trimmed and in lower case.
-- column: status: attributed, no_touchpoints or invalid_email.
-- column: touchpoint_id: The touch that won; null without one.
-- column: channel: Its channel; unknown without a touch.
-- column: occurred_at: When it happened.
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
-- column: client_id: The browser of the touch.
-- column: touch_email: The e-mail address of the touch.
-- column: hop: 0 for a touch of the address itself, 1 for one of a browser.
-- column: via_node: The address or the browser.
-- column: runner_up_touchpoint_id: The touch that would have won without this one.
-- column: first_non_direct_touchpoint_id: The oldest touch that is not direct traffic; null when there is none.
-- column: last_non_direct_touchpoint_id: The newest such touch.
-- column: n_touchpoints: Touches that count.
-- column: n_clients: Browsers the address was seen in.
-- column: n_emails: 1, or 0 for an invalid address.
-- column: max_hop: The most steps an identifier took.
-- column: cycle_detected: Always false: no further step is taken.
-- column: hop_limit_reached: Always false: no further step is taken.
-- column: anchor: When the user was created, else the time of the run; later touches do not count.
-- column: computed_at: When the table was computed.
-- column: run_number: 0, or 1 or 2 when the newest run for this contact was a delayed one.
with anchored as (
    select
        c.email,
        c.usable_email,
        coalesce(c.created_at, ${as_of}) as anchor
    from attribution.contact as c
),

browser as (
    select
        intake_email_of(e.email) as email,
        count(distinct uuid_of(e.client_id)) as n_clients
    from product.email_to_client_id as e
    where intake_email_of(e.email) is not null
    group by intake_email_of(e.email)
),

eligible as (
    select
        i.email,
        i.touchpoint_id,
        i.occurred_at,
        i.channel,
        case when i.channel = 'direct' then 1 else 0 end as is_direct
    from attribution.contact_interactions as i
    join anchored as a on a.email = i.email
    where i.occurred_at <= a.anchor
),

-- One order serves both ends, as in company_path; the largest `newness` is the newest touch, at one instant the one
-- that comes first.
placed as (
    select
        e.email,
        e.touchpoint_id,
        e.channel,
        row_number() over (
            partition by e.email
            order by
                e.occurred_at asc nulls first,
                e.is_direct asc nulls first,
                byte_order(e.touchpoint_id) asc nulls first
        ) as position,
        rank() over (partition by e.email order by e.occurred_at asc nulls first) as first_at_instant,
        count(*) over (partition by e.email order by e.occurred_at asc nulls first) as last_at_instant
    from eligible as e
),

path as (
    select
        p.email,
        p.touchpoint_id,
        p.channel,
        p.position,
        p.first_at_instant + p.last_at_instant - p.position as newness
    from placed as p
),

place as (
    select
        p.email,
        count(*) as n_touchpoints,
        min(case when p.channel <> 'direct' then p.position end) as first_non_direct,
        max(case when p.channel <> 'direct' then p.newness end) as last_non_direct
    from path as p
    group by p.email
),

chosen as (
    select
        p.email,
        max(case when p.position = 1 then p.touchpoint_id end) as first_id,
        max(case when p.position = 2 then p.touchpoint_id end) as runner_up_id,
        max(case when p.position = l.first_non_direct then p.touchpoint_id end) as first_non_direct_id,
        max(case when p.newness = l.last_non_direct then p.touchpoint_id end) as last_non_direct_id
    from path as p
    join place as l on l.email = p.email
    where p.position <= 2 or p.position = l.first_non_direct or p.newness = l.last_non_direct
    group by p.email
),

delayed as (
    select
        r.entity_id,
        r.run_number,
        row_number() over (
            partition by r.entity_id
            order by r.due_at desc nulls last, r.triggered_at desc nulls last, r.run_number desc nulls last
        ) as place
    from attribution.attribution_run as r
    where r.entity_type = 'contact' and r.due_at <= ${as_of}
)

select
    cast(a.email as text) as email,
    cast(
        case
            when a.usable_email is null then 'invalid_email'
            when s.first_id is null then 'no_touchpoints'
            else 'attributed'
        end as text
    ) as status,
    cast(s.first_id as text) as touchpoint_id,
    cast(coalesce(t.channel, 'unknown') as text) as channel,
    cast(t.occurred_at as timestamptz) as occurred_at,
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
    cast(t.client_id as text) as client_id,
    cast(t.email as text) as touch_email,
    cast(p.hop as bigint) as hop,
    cast(p.via_node as text) as via_node,
    cast(s.runner_up_id as text) as runner_up_touchpoint_id,
    cast(s.first_non_direct_id as text) as first_non_direct_touchpoint_id,
    cast(s.last_non_direct_id as text) as last_non_direct_touchpoint_id,
    cast(coalesce(l.n_touchpoints, 0) as bigint) as n_touchpoints,
    cast(coalesce(b.n_clients, 0) as bigint) as n_clients,
    cast(case when a.usable_email is null then 0 else 1 end as bigint) as n_emails,
    cast(case when b.n_clients > 0 then 1 else 0 end as bigint) as max_hop,
    cast(false as boolean) as cycle_detected,
    cast(false as boolean) as hop_limit_reached,
    cast(a.anchor as timestamptz) as anchor,
    cast(${as_of} as timestamptz) as computed_at,
    cast(coalesce(d.run_number, 0) as bigint) as run_number
from anchored as a
left join place as l on l.email = a.email
left join chosen as s on s.email = a.email
left join attribution.contact_interactions as p on p.email = a.email and p.touchpoint_id = s.first_id
left join attribution.interaction_touchpoints as t on t.touchpoint_id = s.first_id
left join browser as b on b.email = a.usable_email
left join delayed as d on d.entity_id = a.email and d.place = 1
