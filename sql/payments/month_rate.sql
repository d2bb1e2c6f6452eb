-- description: What one unit of each currency was worth at the end of every month since the first MRR. A refused rate is
--   left out, so the last good one is carried on.
-- grain: month, currency
-- owner: team:revops
-- column: month: The month's first day.
-- column: currency: ISO 4217 code.
-- column: rate: US dollars for one unit; null before the first usable rate.
-- column: rate_date: The day of that rate.
with digit (d) as (
    select v.d
    from (values ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7'), ('8'), ('9')) as v (d)
),

calendar as (
    select cast('20' || a.d || b.d || '-' || m.m || '-01' as date) as month
    from digit as a
    cross join digit as b
    cross join (
        values ('01'), ('02'), ('03'), ('04'), ('05'), ('06'), ('07'), ('08'), ('09'), ('10'), ('11'), ('12')
    ) as m (m)
),

used as (
    select c.currency, min(c.month) as first_month
    from payments.mrr_change as c
    group by c.currency
),

month as (
    select m.month, month_start(m.month + 32) as next_month, u.currency
    from calendar as m
    cross join used as u
    where
        m.month >= (select min(x.first_month) from used as x)
        and m.month <= day_in_zone(${as_of}, ${report_time_zone})
),

candidate as (
    select
        m.month,
        m.currency,
        r.rate,
        r.rate_date,
        row_number() over (partition by m.month, m.currency order by r.rate_date desc nulls last) as place
    from month as m
    left join payments.exchange_rate as r
        on r.currency = m.currency
        and r.refused is null
        and r.rate_date < m.next_month
        and r.rate_date <= day_in_zone(${as_of}, 'UTC')
)

select
    cast(c.month as date) as month,
    cast(c.currency as text) as currency,
    cast(case when c.currency = 'USD' then 1 else c.rate end as decimal(38, 10)) as rate,
    cast(c.rate_date as date) as rate_date
from candidate as c
where c.place = 1
