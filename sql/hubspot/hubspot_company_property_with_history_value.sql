-- description: One row per change of a company's property that HubSpot's history keeps.
-- grain: company_id, name, changed_at
-- owner: team:revops
-- materialized: view
-- column: company_id: The company's id in HubSpot.
-- column: name: The internal name of the property.
-- column: value: The value from then on, as text; null when it was emptied.
-- column: changed_at: When the property got the value.
-- column: source: What changed it: CRM_UI, IMPORT, INTEGRATION and so on.
-- column: source_id: Who or which import or integration changed it.
-- column: synced_at: When the mirror last read the change.
select
    cast(h.company_id as bigint) as company_id,
    cast(h.name as text) as name,
    cast(nullif(h.value, '') as text) as value,
    cast(h.timestamp as timestamptz) as changed_at,
    cast(h.source as text) as source,
    cast(h.source_id as text) as source_id,
    cast(h._fivetran_synced as timestamptz) as synced_at
from hubspot.company_property_history as h
