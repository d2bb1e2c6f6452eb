-- description: One row per contact on a list, past members marked as deleted.
-- grain: contact_list_id, contact_id
-- owner: team:revops
-- materialized: view
-- column: contact_list_id: The list's id in HubSpot.
-- column: list_name: The list's name.
-- column: processing_type: MANUAL, DYNAMIC or SNAPSHOT.
-- column: contact_id: The contact's id in HubSpot.
-- column: added_at: When the contact came onto the list.
-- column: is_deleted: The contact is no longer on the list, or the list is gone.
-- column: synced_at: When the mirror last read the membership.
select
    cast(m.contact_list_id as bigint) as contact_list_id,
    cast(l.name as text) as list_name,
    cast(l.processing_type as text) as processing_type,
    cast(m.contact_id as bigint) as contact_id,
    cast(m.added_at as timestamptz) as added_at,
    cast(coalesce(m._fivetran_deleted, false) or coalesce(l._fivetran_deleted, false) as boolean) as is_deleted,
    cast(m._fivetran_synced as timestamptz) as synced_at
from hubspot.contact_list_member as m
left join hubspot.contact_list as l on l.id = m.contact_list_id
