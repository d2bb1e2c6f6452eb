-- description: One row per association of a call, meeting, e-mail or other engagement and association type.
-- grain: engagement_id, to_object_type, to_object_id, category, type_id
-- owner: team:revops
-- materialized: view
-- column: engagement_id: The engagement's id in HubSpot.
-- column: engagement_type: CALL, MEETING, EMAIL, NOTE, TASK or COMMUNICATION; null while only the association is known.
-- column: to_object_type: What it is associated with: contact, company, deal.
-- column: to_object_id: The id of the associated record.
-- column: category: HUBSPOT_DEFINED, USER_DEFINED or INTEGRATOR_DEFINED.
-- column: type_id: The association type, in the direction in which it was read.
-- column: label: The label of the association type; null for the unlabelled one.
-- column: synced_at: When the mirror last read the association.
with link as (
    select
        a.engagement_id,
        'contact' as to_object_type,
        a.contact_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.engagement_contact as a
    union all
    select
        a.engagement_id,
        'company' as to_object_type,
        a.company_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.engagement_company as a
    union all
    select
        a.engagement_id,
        'deal' as to_object_type,
        a.deal_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.engagement_deal as a
)

select
    cast(l.engagement_id as bigint) as engagement_id,
    cast(upper(e.type) as text) as engagement_type,
    cast(l.to_object_type as text) as to_object_type,
    cast(l.to_object_id as bigint) as to_object_id,
    cast(l.category as text) as category,
    cast(l.type_id as bigint) as type_id,
    cast(l.label as text) as label,
    cast(l.synced_at as timestamptz) as synced_at
from link as l
left join hubspot.engagement as e on e.id = l.engagement_id
