-- description: One row per live contact and property that has a value: the value as HubSpot keeps it.
-- grain: contact_id, name
-- owner: team:revops
-- materialized: view
-- column: contact_id: The contact's id in HubSpot.
-- column: name: The internal name of the property.
-- column: value: The value as text; a property without a value has no row.
-- column: updated_at: When HubSpot last changed the contact.
-- column: synced_at: When the mirror last read the contact.
select
    cast(r.id as bigint) as contact_id,
    cast(p.name as text) as name,
    cast(p.value as text) as value,
    cast(r.updated_at as timestamptz) as updated_at,
    cast(r._fivetran_synced as timestamptz) as synced_at
from hubspot.contact as r
cross join lateral json_pairs(json_part(r.raw_json, 'properties')) as p
where not coalesce(r.is_deleted, false) and p.value <> ''
