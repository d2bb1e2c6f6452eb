-- description: Every month's MRR in US dollars from opening to closing. The rounded figures of a month add up; what the
--   exact ones leave unexplained must be nothing, or the table keeps its old rows.
-- grain: month
-- owner: team:revops
-- partition: month
-- check: opening_and_movements_make_closing error: unexplained between -0.000001 and 0.000001
-- check: figures_add_up error: opening + new + expansion + contraction + churn + reactivation + fx_adjustment = closing
-- check: every_currency_has_a_rate warn: currencies_without_rate = 0
-- column: month: The month's first day, in the report's time zone; the running month ends at the time of the run.
-- column: opening: MRR at the end of the month before, at that month's rates.
-- column: new: First MRR of a company.
-- column: expansion: More MRR than the month before.
-- column: contraction: Less, but still some; negative.
-- column: churn: All of it lost; negative.
-- column: reactivation: MRR again after none.
-- column: fx_adjustment: What the exchange rates did to the MRR there was.
-- column: closing: MRR at the end of the month, at its rates.
-- column: net_revenue_retention: (opening + expansion + contraction + churn) / opening, of the exact figures; null when
--   opening is 0.
-- column: gross_revenue_retention: The same without expansion.
-- column: is_complete: The month is over.
-- column: currencies_without_rate: Currencies with MRR that never had a usable rate; their MRR is in no figure here.
-- column: unexplained: Closing less opening, movements and exchange rates, exact.
with delta as (
    select c.month, c.currency, sum(c.delta) as delta
    from payments.mrr_change as c
    group by c.month, c.currency
),

held as (
    select
        m.month,
        m.currency,
        m.rate,
        row_number() over (partition by m.currency order by m.month asc nulls last) as step,
        sum(coalesce(d.delta, 0)) over (partition by m.currency order by m.month asc nulls first) as total
    from payments.month_rate as m
    left join delta as d on d.month = m.month and d.currency = m.currency
),

by_currency as (
    select
        h.month,
        h.rate is null and h.total > 0 as lacks_rate,
        coalesce(portion(h.total, h.rate, 1), 0) as closing,
        coalesce(portion(p.total, p.rate, 1), 0) as opening,
        coalesce(portion(p.total, coalesce(h.rate, 0) - coalesce(p.rate, 0), 1), 0) as fx
    from held as h
    left join held as p on p.currency = h.currency and p.step = h.step - 1
),

balance as (
    select
        b.month,
        sum(b.opening) as opening,
        sum(b.closing) as closing,
        sum(b.fx) as fx,
        sum(case when b.lacks_rate then 1 else 0 end) as lacking
    from by_currency as b
    group by b.month
),

moved as (
    select
        m.month,
        sum(m.delta_exact) as total,
        sum(case when m.kind = 'new' then m.delta_exact else 0 end) as new,
        sum(case when m.kind = 'expansion' then m.delta_exact else 0 end) as expansion,
        sum(case when m.kind = 'contraction' then m.delta_exact else 0 end) as contraction,
        sum(case when m.kind = 'churn' then m.delta_exact else 0 end) as churn,
        sum(case when m.kind = 'reactivation' then m.delta_exact else 0 end) as reactivation
    from payments.mrr_movement as m
    group by m.month
),

rounded as (
    select
        b.month,
        cents(b.opening) as opening,
        coalesce(cents(m.new), 0) as new,
        coalesce(cents(m.expansion), 0) as expansion,
        coalesce(cents(m.contraction), 0) as contraction,
        coalesce(cents(m.churn), 0) as churn,
        coalesce(cents(m.reactivation), 0) as reactivation,
        cents(b.closing) as closing,
        b.lacking,
        ratio(b.opening + coalesce(m.expansion + m.contraction + m.churn, 0), b.opening) as net,
        ratio(b.opening + coalesce(m.contraction + m.churn, 0), b.opening) as gross,
        b.closing - b.opening - coalesce(m.total, 0) - b.fx as unexplained
    from balance as b
    left join moved as m on m.month = b.month
)

select
    cast(r.month as date) as month,
    cast(r.opening as decimal(18, 4)) as opening,
    cast(r.new as decimal(18, 4)) as new,
    cast(r.expansion as decimal(18, 4)) as expansion,
    cast(r.contraction as decimal(18, 4)) as contraction,
    cast(r.churn as decimal(18, 4)) as churn,
    cast(r.reactivation as decimal(18, 4)) as reactivation,
    cast(
        r.closing - r.opening - r.new - r.expansion - r.contraction - r.churn - r.reactivation as decimal(18, 4)
    ) as fx_adjustment,
    cast(r.closing as decimal(18, 4)) as closing,
    cast(r.net as decimal(38, 10)) as net_revenue_retention,
    cast(r.gross as decimal(38, 10)) as gross_revenue_retention,
    cast(
        day_start(month_start(r.month + 32), ${report_time_zone}) <= ${as_of} as boolean
    ) as is_complete,
    cast(r.lacking as bigint) as currencies_without_rate,
    cast(r.unexplained as decimal(38, 26)) as unexplained
from rounded as r
