-- description: Successful payments and refunds that are refused, with the reason.
-- grain: transaction_id
-- owner: team:revops
-- materialized: view
-- column: transaction_id: The transaction's id at the biller.
-- column: company_id: The company: the customer's, else the customer id.
-- column: type: payment or refund.
-- column: currency: ISO 4217 code.
-- column: amount: As the biller sent it, in that currency; null when it is no number.
-- column: occurred_at: When the money moved.
-- column: reason: bad_amount.
select
    cast(t.transaction_id as text) as transaction_id,
    cast(t.company_id as text) as company_id,
    cast(t.type as text) as type,
    cast(t.currency as text) as currency,
    cast(t.amount as decimal(38, 10)) as amount,
    cast(t.occurred_at as timestamptz) as occurred_at,
    cast(t.refused as text) as reason
from payments.transaction_copy as t
where t.refused is not null
