-- description: Which company of HubSpot is which company of the product. The product's own word counts before the
--   property product_company_id of the portal; either side has at most one partner, and both are there.
-- grain: company_id
-- owner: team:revops
-- materialized: view
-- check: one_company_a_record error: unique(hubspot_company_id)
-- column: company_id: The company's id in the product.
-- column: hubspot_company_id: The company's id in HubSpot.
with named as (
    select
        tidy(p.company_id) as company_id,
        c.id as hubspot_company_id,
        1 as preference
    from product.company as p
    join hubspot.company as c on cast(c.id as text) = tidy(p.hubspot_company_id)
    where not coalesce(c.is_deleted, false)
    union all
    select
        tidy(cast(c.property_product_company_id as text)) as company_id,
        c.id as hubspot_company_id,
        2 as preference
    from hubspot.company as c
    join product.company as p on tidy(p.company_id) = tidy(cast(c.property_product_company_id as text))
    where not coalesce(c.is_deleted, false)
),

first_of_company as (
    select
        n.company_id,
        n.hubspot_company_id,
        n.preference,
        row_number() over (
            partition by n.company_id
            order by n.preference asc nulls last, n.hubspot_company_id asc nulls last
        ) as place
    from named as n
),

first_of_record as (
    select
        f.company_id,
        f.hubspot_company_id,
        row_number() over (
            partition by f.hubspot_company_id
            order by f.preference asc nulls last, byte_order(f.company_id) asc nulls last
        ) as place
    from first_of_company as f
    where f.place = 1
)

select
    cast(r.company_id as text) as company_id,
    cast(r.hubspot_company_id as bigint) as hubspot_company_id
from first_of_record as r
where r.place = 1
