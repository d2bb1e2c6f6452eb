-- description: One row per event of a marketing e-mail: sent, delivered, opened, clicked, bounced and so on.
-- grain: event_id
-- owner: team:revops
-- materialized: view
-- check: has_occurred_at warn: not_null(occurred_at)
-- column: event_id: The event's id in HubSpot.
-- column: event_type: What happened: SENT, DELIVERED, OPEN, CLICK, BOUNCE and so on.
-- column: occurred_at: When it happened.
-- column: recipient: The address of the recipient.
-- column: email_campaign_id: The id of the e-mail campaign.
-- column: app_id: The id of the application that sent the e-mail.
-- column: portal_id: The portal the event lives in.
-- column: sent_by_id: The event of the sending this one belongs to.
-- column: caused_by_id: The event that caused this one.
-- column: obsoleted_by_id: The event that made this one void; null while it counts.
-- column: is_filtered: Whether HubSpot takes the event for a machine's.
-- column: url: The link that was clicked; null for other events.
-- column: user_agent: The program that opened or clicked; null for other events.
-- column: bounce_category: Why the e-mail came back; null for other events.
-- column: synced_at: When the mirror read the event.
select
    cast(e.id as text) as event_id,
    cast(e.type as text) as event_type,
    cast(e.created as timestamptz) as occurred_at,
    cast(e.recipient as text) as recipient,
    cast(e.email_campaign_id as bigint) as email_campaign_id,
    cast(e.app_id as bigint) as app_id,
    cast(e.portal_id as bigint) as portal_id,
    cast(e.sent_by_id as text) as sent_by_id,
    cast(e.caused_by_id as text) as caused_by_id,
    cast(e.obsoleted_by_id as text) as obsoleted_by_id,
    cast(coalesce(e.filtered_event, false) as boolean) as is_filtered,
    cast(c.url as text) as url,
    cast(coalesce(c.user_agent, o.user_agent) as text) as user_agent,
    cast(b.category as text) as bounce_category,
    cast(e._fivetran_synced as timestamptz) as synced_at
from hubspot.email_event as e
left join hubspot.email_event_click as c on c.id = e.id
left join hubspot.email_event_open as o on o.id = e.id
left join hubspot.email_event_bounce as b on b.id = e.id
