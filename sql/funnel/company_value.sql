-- description: What a company was worth when it was won: its first paid MRR, or without any the amount of the first deal
--   won with it. The paths to it share this value out among the channels.
-- grain: company_id
-- owner: team:marketing
-- check: known_source error: accepted_values(source, 'mrr', 'deal')
-- check: worth_something error: value > 0
-- column: company_id: The company's id in the product.
-- column: value: The first MRR in US dollars, or the deal's amount in the deal's currency.
-- column: source: mrr or deal.
-- column: won_on: The first day of the first month with MRR, or the day the deal was closed; both in the report's time
--   zone.
with won as (
    select
        l.company_id,
        d.amount,
        day_in_zone(d.closedate, ${report_time_zone}) as won_on,
        row_number() over (
            partition by l.company_id
            order by d.closedate asc nulls last, byte_order(d.hubspot_id) asc nulls last
        ) as place
    from funnel.hubspot_company_link as l
    join hubspot.deal_company as a on a.company_id = l.hubspot_company_id
    join hubspot.hubspot_deals_raw as d on d.hubspot_id = cast(a.deal_id as text)
    where d.is_won and d.amount > 0
),

first_mrr as (
    select
        m.company_id,
        m.delta_mrr as value,
        m.month
    from payments.mrr_movement as m
    where m.kind = 'new' and m.delta_mrr > 0
)

select
    cast(c.company_id as text) as company_id,
    cast(coalesce(m.value, w.amount) as decimal(38, 10)) as value,
    cast(case when m.value is not null then 'mrr' else 'deal' end as text) as source,
    cast(case when m.value is not null then m.month else w.won_on end as date) as won_on
from (
    select m.company_id
    from first_mrr as m
    union
    select w.company_id
    from won as w
) as c
left join first_mrr as m on m.company_id = c.company_id
left join won as w on w.company_id = c.company_id and w.place = 1
