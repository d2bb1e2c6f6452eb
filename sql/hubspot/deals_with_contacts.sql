-- description: One row per live deal with its first contact.
-- grain: deal_id
-- owner: team:revops
-- materialized: view
-- column: deal_id: The deal's id in HubSpot.
-- column: amount: In the deal's currency, as HubSpot returned it.
-- column: dealstage: The id of the stage within the pipeline.
-- column: closedate: When the deal was won or lost, or is expected to be.
-- column: contact_id: The smallest contact id among the associated contacts; null without one.
-- column: dealname: The deal's name.
select
    cast(d.hubspot_id as text) as deal_id,
    cast(d.amount as decimal(38, 10)) as amount,
    cast(d.dealstage as text) as dealstage,
    cast(d.closedate as timestamptz) as closedate,
    cast(d.first_contact_id as text) as contact_id,
    cast(d.dealname as text) as dealname
from hubspot.hubspot_deals_raw as d
