-- description: One row per live contact with the fields the sales metrics read and the whole record as JSON.
--   Archived, deleted and merged-away contacts are left out.
-- grain: hubspot_id
-- owner: team:revops
-- index: idx_contacts_phone: phone
-- index: idx_contacts_email: email
-- index: idx_contacts_createdate: createdate
-- index: idx_contacts_raw_json: raw_json
-- check: has_createdate warn: not_null(createdate)
-- check: phone_readable warn: phone is null or phone_e164 is not null
-- column: hubspot_id: The contact's id in HubSpot.
-- column: email: The e-mail address as HubSpot keeps it; null when empty.
-- column: phone: The phone as typed, or the mobile phone where there is none.
-- column: firstname: The first name.
-- column: lastname: The last name.
-- column: createdate: When the contact was created in HubSpot; the metrics count it on this day.
-- column: lifecyclestage: The internal name of the lifecycle stage, such as lead or customer.
-- column: vsl_watched: Whether the contact watched the sales video; null when unknown.
-- column: sales_script_version: The version of the sales script the contact was spoken to with; null when unknown.
-- column: hubspot_owner_id: The id of the contact's owner; null without one.
-- column: phone_e164: The first of phone and mobile phone that is a valid number, in E.164.
-- column: raw_json: All properties, and the ids of the associated deals.
-- column: synced_at: When the mirror last read the contact.
-- column: updated_at: When HubSpot last changed the contact.
with contact_deals as (
    select
        dc.contact_id,
        string_agg(
            '{"id":"' || cast(dc.deal_id as text) || '","type":"contact_to_deal"}',
            ','
            order by dc.deal_id asc nulls first
        ) as results
    from (
        select distinct
            a.contact_id,
            a.deal_id
        from hubspot.deal_contact as a
        left join hubspot.deal as d on d.deal_id = a.deal_id
        where not coalesce(d.is_deleted, false) and not coalesce(d._fivetran_deleted, false)
    ) as dc
    group by dc.contact_id
)

select
    cast(c.id as text) as hubspot_id,
    cast(nullif(cast(c.${contact.email} as text), '') as text) as email,
    cast(
        coalesce(
            nullif(trim(cast(c.${contact.phone} as text)), ''),
            nullif(trim(cast(c.${contact.mobile_phone} as text)), '')
        ) as text
    ) as phone,
    cast(nullif(cast(c.property_firstname as text), '') as text) as firstname,
    cast(nullif(cast(c.property_lastname as text), '') as text) as lastname,
    cast(c.property_createdate as timestamptz) as createdate,
    cast(nullif(cast(c.${contact.lifecycle_stage} as text), '') as text) as lifecyclestage,
    cast(yes_no(cast(c.${contact.vsl_watched} as text)) as boolean) as vsl_watched,
    cast(nullif(trim(cast(c.${contact.sales_script_version} as text)), '') as text) as sales_script_version,
    cast(nullif(trim(cast(c.property_hubspot_owner_id as text)), '') as text) as hubspot_owner_id,
    cast(coalesce(p.phone_e164, m.phone_e164) as text) as phone_e164,
    cast(
        '{"properties":' || coalesce(cast(json_part(c.raw_json, 'properties') as text), '{}')
        || ',"associations":{"deals":{"results":[' || coalesce(cd.results, '') || ']}}}' as json
    ) as raw_json,
    cast(c._fivetran_synced as timestamptz) as synced_at,
    cast(c.updated_at as timestamptz) as updated_at
from hubspot.contact as c
left join contact_deals as cd on cd.contact_id = c.id
left join hubspot.phone_number as p
    on p.raw = cast(c.${contact.phone} as text)
    and p.country = coalesce(cast(c.${contact.country} as text), '')
left join hubspot.phone_number as m
    on m.raw = cast(c.${contact.mobile_phone} as text)
    and m.country = coalesce(cast(c.${contact.country} as text), '')
where not coalesce(c.is_deleted, false) and not coalesce(c._fivetran_deleted, false)
