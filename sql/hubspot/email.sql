-- description: One row per one-to-one e-mail that was logged in HubSpot, deleted ones marked.
-- grain: email_id
-- owner: team:revops
-- materialized: view
-- check: has_occurred_at warn: not_null(occurred_at)
-- column: email_id: The email's id in HubSpot.
-- column: portal_id: The portal the email lives in.
-- column: owner_id: The id of the email's owner; null without one.
-- column: occurred_at: When the email took place.
-- column: subject: The subject.
-- column: text_body: The body as plain text.
-- column: direction: EMAIL for outgoing, INCOMING_EMAIL, or FORWARDED_EMAIL.
-- column: status: SENT, BOUNCED, FAILED, SCHEDULED or SENDING.
-- column: from_email: The sender's address.
-- column: to_email: The recipients' addresses, divided by semicolons.
-- column: created_at: When the email was recorded in HubSpot.
-- column: updated_at: When HubSpot last changed the email.
-- column: is_deleted: Archived, deleted or gone from the portal.
-- column: raw_json: The email as HubSpot returned it.
-- column: synced_at: When the mirror last read the email.
select
    cast(e.engagement_id as bigint) as email_id,
    cast(e.portal_id as bigint) as portal_id,
    cast(nullif(cast(e.property_hubspot_owner_id as text), '') as text) as owner_id,
    cast(e.property_hs_timestamp as timestamptz) as occurred_at,
    cast(nullif(cast(e.property_hs_email_subject as text), '') as text) as subject,
    cast(nullif(cast(e.property_hs_email_text as text), '') as text) as text_body,
    cast(nullif(cast(e.property_hs_email_direction as text), '') as text) as direction,
    cast(nullif(cast(e.property_hs_email_status as text), '') as text) as status,
    cast(nullif(cast(e.property_hs_email_from_email as text), '') as text) as from_email,
    cast(nullif(cast(e.property_hs_email_to_email as text), '') as text) as to_email,
    cast(e.property_hs_createdate as timestamptz) as created_at,
    cast(e.updated_at as timestamptz) as updated_at,
    cast(coalesce(e.is_deleted, false) as boolean) as is_deleted,
    cast(e.raw_json as json) as raw_json,
    cast(e._fivetran_synced as timestamptz) as synced_at
from hubspot.engagement_email as e
