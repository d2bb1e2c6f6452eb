-- description: One row per association of a deal and association type.
-- grain: deal_id, to_object_type, to_object_id, category, type_id
-- owner: team:revops
-- materialized: view
-- column: deal_id: The deal's id in HubSpot.
-- column: to_object_type: What it is associated with: contact, company.
-- column: to_object_id: The id of the associated record.
-- column: category: HUBSPOT_DEFINED, USER_DEFINED or INTEGRATOR_DEFINED.
-- column: type_id: The association type, in the direction in which it was read.
-- column: label: The label of the association type; null for the unlabelled one.
-- column: synced_at: When the mirror last read the association.
with link as (
    select
        a.deal_id,
        'contact' as to_object_type,
        a.contact_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.deal_contact as a
    union all
    select
        a.deal_id,
        'company' as to_object_type,
        a.company_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.deal_company as a
)

select
    cast(l.deal_id as bigint) as deal_id,
    cast(l.to_object_type as text) as to_object_type,
    cast(l.to_object_id as bigint) as to_object_id,
    cast(l.category as text) as category,
    cast(l.type_id as bigint) as type_id,
    cast(l.label as text) as label,
    cast(l.synced_at as timestamptz) as synced_at
from link as l
