-- description: Browsers and e-mail addresses that were found for more than one company, in however many steps: their
--   touches count for each. Of more than two companies, each is paired with the next one.
-- grain: company_id, other_company_id, node
-- owner: team:marketing
-- partition: computed_at
-- check: not_shared warn: company_id is null
-- column: company_id: One company; the smaller id of the pair.
-- column: other_company_id: The company that comes next by its id.
-- column: node: The browser's id or e-mail address found for both.
-- column: hop: In how many steps from the company.
-- column: other_hop: In how many steps from the other company.
-- column: companies: How many companies it was found for.
-- column: computed_at: When the table was computed.
with shared as (
    select
        i.node,
        count(*) as companies
    from attribution.company_identity as i
    group by i.node
    having count(*) > 1
),

finding as (
    select
        i.company_id,
        i.node,
        i.hop,
        s.companies,
        row_number() over (partition by i.node order by byte_order(i.company_id) asc nulls last) as place
    from attribution.company_identity as i
    join shared as s on s.node = i.node
)

select
    cast(a.company_id as text) as company_id,
    cast(b.company_id as text) as other_company_id,
    cast(a.node as text) as node,
    cast(a.hop as bigint) as hop,
    cast(b.hop as bigint) as other_hop,
    cast(a.companies as bigint) as companies,
    cast(${as_of} as timestamptz) as computed_at
from finding as a
join finding as b on b.node = a.node and b.place = a.place + 1
