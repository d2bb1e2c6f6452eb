-- description: One row per association of a ticket and association type.
-- grain: ticket_id, to_object_type, to_object_id, category, type_id
-- owner: team:revops
-- materialized: view
-- column: ticket_id: The ticket's id in HubSpot.
-- column: to_object_type: What it is associated with: contact, company, deal, engagement.
-- column: to_object_id: The id of the associated record.
-- column: category: HUBSPOT_DEFINED, USER_DEFINED or INTEGRATOR_DEFINED.
-- column: type_id: The association type, in the direction in which it was read.
-- column: label: The label of the association type; null for the unlabelled one.
-- column: synced_at: When the mirror last read the association.
with link as (
    select
        a.ticket_id,
        'contact' as to_object_type,
        a.contact_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.ticket_contact as a
    union all
    select
        a.ticket_id,
        'company' as to_object_type,
        a.company_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.ticket_company as a
    union all
    select
        a.ticket_id,
        'deal' as to_object_type,
        a.deal_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.ticket_deal as a
    union all
    select
        a.ticket_id,
        'engagement' as to_object_type,
        a.engagement_id as to_object_id,
        a.category,
        a.type_id,
        a.label,
        a._fivetran_synced as synced_at
    from hubspot.ticket_engagement as a
)

select
    cast(l.ticket_id as bigint) as ticket_id,
    cast(l.to_object_type as text) as to_object_type,
    cast(l.to_object_id as bigint) as to_object_id,
    cast(l.category as text) as category,
    cast(l.type_id as bigint) as type_id,
    cast(l.label as text) as label,
    cast(l.synced_at as timestamptz) as synced_at
from link as l
