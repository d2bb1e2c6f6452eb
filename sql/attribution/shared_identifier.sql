-- description: Browsers and e-mail addresses that belong to more than one company: their touches count for each.
-- grain: company_id, other_company_id, node
-- owner: team:marketing
-- partition: computed_at
-- check: not_shared warn: company_id is null
-- column: company_id: One company; the smaller id of the pair.
-- column: other_company_id: The other company.
-- column: node: The browser's id or e-mail address both own.
-- column: computed_at: When the table was computed.
with own as (
    select
        i.company_id,
        i.node
    from attribution.company_identity as i
    where i.hop = 1
)

select
    cast(a.company_id as text) as company_id,
    cast(b.company_id as text) as other_company_id,
    cast(a.node as text) as node,
    cast(${as_of} as timestamptz) as computed_at
from own as a
join own as b on b.node = a.node and byte_order(a.company_id) < byte_order(b.company_id)
