-- description: What a contact is worth: the chance to convert times the value of the contract, in US dollars a year. A
--   contact that only one of the two scores knows keeps null for the other.
-- grain: email
-- owner: team:revops
-- check: scored_twice warn: cp_score is not null and acv_score is not null
-- check: value_is_no_less_than_zero error: coalesce(expected_value, 0) >= 0
-- column: email: The contact's e-mail address in lower case.
-- column: cp_score: The chance to convert, from 0 to 1.
-- column: acv_score: The value of the contract a year.
-- column: expected_value: The product of the two, rounded to cents.
-- column: predicted_at: When the older of the two scores was made.
with scores as (
    select
        c.email,
        c.cp_score,
        cast(null as decimal(18, 4)) as acv_score,
        c.predicted_at
    from predictions.contact_cp_score as c
    union all
    select
        a.email,
        cast(null as decimal(38, 10)) as cp_score,
        a.acv_score,
        a.predicted_at
    from predictions.contact_acv_score as a
),

merged as (
    select
        s.email,
        max(s.cp_score) as cp_score,
        max(s.acv_score) as acv_score,
        min(s.predicted_at) as predicted_at
    from scores as s
    group by s.email
)

select
    cast(m.email as text) as email,
    cast(m.cp_score as decimal(38, 10)) as cp_score,
    cast(m.acv_score as decimal(18, 4)) as acv_score,
    cast(cents(portion(m.acv_score, m.cp_score, 1)) as decimal(18, 4)) as expected_value,
    cast(m.predicted_at as timestamptz) as predicted_at
from merged as m
