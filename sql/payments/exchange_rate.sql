-- description: The landed exchange rates, each judged against the one before it. A refused rate prices nothing.
-- grain: currency, rate_date
-- owner: team:revops
-- check: rate_is_accepted warn: refused is null
-- column: currency: ISO 4217 code; USD is 1 and has no row.
-- column: rate_date: The day the rate is for.
-- column: until_date: The day of the next rate; null for the newest.
-- column: rate: US dollars for one unit; null when it is no usable number.
-- column: previous_rate: The newest usable rate before it.
-- column: refused: fx_invalid when not between 0 and 1000, fx_jump when more than 20 % away from the previous rate.
with landed as (
    select
        upper(tidy(r.currency)) as currency,
        r.rate_date,
        case when r.usd_per_unit > 0 and r.usd_per_unit < 1000 then r.usd_per_unit end as rate
    from product.exchange_rate as r
    where upper(tidy(r.currency)) <> 'USD'
),

numbered as (
    select
        l.currency,
        l.rate_date,
        l.rate,
        row_number() over (partition by l.currency order by l.rate_date asc nulls last) as place,
        count(l.rate) over (partition by l.currency order by l.rate_date asc nulls first) as usable
    from landed as l
),

previous as (
    select
        n.currency,
        n.rate_date,
        n.rate,
        p.rate as previous_rate,
        x.rate_date as until_date
    from numbered as n
    left join numbered as p
        on p.currency = n.currency
        and p.rate is not null
        and p.usable = n.usable - case when n.rate is null then 0 else 1 end
    left join numbered as x on x.currency = n.currency and x.place = n.place + 1
)

select
    cast(p.currency as text) as currency,
    cast(p.rate_date as date) as rate_date,
    cast(p.until_date as date) as until_date,
    cast(p.rate as decimal(38, 10)) as rate,
    cast(p.previous_rate as decimal(38, 10)) as previous_rate,
    cast(
        case
            when p.rate is null then 'fx_invalid'
            when p.rate * 5 > p.previous_rate * 6 or p.rate * 5 < p.previous_rate * 4 then 'fx_jump'
        end as text
    ) as refused
from previous as p
