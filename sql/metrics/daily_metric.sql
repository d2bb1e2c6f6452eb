-- description: The sales metrics of contacts and deals per day of the report's time zone, per owner and for all.
--   A metric's period is the sum of its numerators over the sum of its denominators, by the rule of its kind.
-- grain: metric_date, owner_id, metric
-- owner: team:revops
-- partition: metric_date
-- check: rates_within_100 error: unit <> 'percent' or value is null or value between 0 and 100
-- check: counts_not_negative error: coalesce(denominator, 0) >= 0
-- column: metric_date: The day, in the report's time zone.
-- column: owner_id: The owner of the contact or deal, `unassigned` without one, `all` for the total.
-- column: metric: The name of the metric.
-- column: numerator: What is added up; seconds for time_to_sale_days.
-- column: denominator: The rows that count; null for sums and counts, which have none.
-- column: value: The metric; null when nothing counts. Percent for rates.
-- column: unit: What the value is: amount, count, percent, months or days.
with won_deal as (
    select
        day_in_zone(d.closedate, ${report_time_zone}) as closed_on,
        coalesce(d.hubspot_owner_id, 'unassigned') as owner_id,
        d.amount,
        d.number_of_installments__months as installments,
        d.upfront_cash,
        lower(d.payment_status) as payment_status,
        seconds_between(d.createdate, d.closedate) as seconds_to_sale
    from hubspot.hubspot_deals_raw as d
    where d.is_won and d.closedate is not null
),

created_deal as (
    select
        day_in_zone(d.createdate, ${report_time_zone}) as created_on,
        coalesce(d.hubspot_owner_id, 'unassigned') as owner_id,
        yes_no(d.qualified_status) as qualified,
        yes_no(d.trial_status) as trial,
        yes_no(d.offer_given) as offer_given,
        d.is_won
    from hubspot.hubspot_deals_raw as d
    where d.createdate is not null
),

customer as (
    select distinct cast(a.contact_id as text) as contact_id
    from hubspot.deal_contact as a
    join hubspot.hubspot_deals_raw as d on d.hubspot_id = cast(a.deal_id as text)
    where d.is_won
),

created_contact as (
    select
        day_in_zone(c.createdate, ${report_time_zone}) as created_on,
        coalesce(c.hubspot_owner_id, 'unassigned') as owner_id,
        b.contact_id is not null as is_customer
    from hubspot.hubspot_contacts_raw as c
    left join customer as b on b.contact_id = c.hubspot_id
    where c.createdate is not null
),

amount_of_deal as (
    select
        'total_sales' as metric,
        w.closed_on as metric_date,
        w.owner_id,
        w.amount as measure
    from won_deal as w
    union all
    select 'average_deal_size', w.closed_on, w.owner_id, w.amount
    from won_deal as w
    union all
    select
        'upfront_cash',
        w.closed_on,
        w.owner_id,
        coalesce(w.upfront_cash, ratio(w.amount, case when w.installments >= 1 then w.installments else 1 end))
    from won_deal as w
),

number_of_deal as (
    select
        'deals_won' as metric,
        w.closed_on as metric_date,
        w.owner_id,
        1 as measure
    from won_deal as w
    union all
    select 'contacts_created', c.created_on, c.owner_id, 1
    from created_contact as c
    union all
    select 'average_installments', w.closed_on, w.owner_id, case when w.installments >= 1 then w.installments end
    from won_deal as w
    union all
    select 'time_to_sale_days', w.closed_on, w.owner_id, case when w.seconds_to_sale >= 0 then w.seconds_to_sale end
    from won_deal as w
),

answer as (
    select
        'contact_to_customer_rate' as metric,
        c.created_on as metric_date,
        c.owner_id,
        c.is_customer as is_yes
    from created_contact as c
    union all
    select 'qualified_rate', d.created_on, d.owner_id, d.qualified
    from created_deal as d
    union all
    select 'trial_rate', d.created_on, d.owner_id, d.trial
    from created_deal as d
    union all
    select 'offer_given_rate', d.created_on, d.owner_id, d.offer_given
    from created_deal as d
    union all
    select 'offer_close_rate', d.created_on, d.owner_id, case when d.offer_given then d.is_won end
    from created_deal as d
    union all
    select
        'cancellation_rate',
        w.closed_on,
        w.owner_id,
        w.payment_status in ('cancelled', 'canceled', 'churned', 'refunded')
    from won_deal as w
),

fact as (
    select m.metric, m.metric_date, m.owner_id, cast(m.measure as decimal(38, 10)) as measure
    from amount_of_deal as m
    union all
    select m.metric, m.metric_date, m.owner_id, cast(m.measure as decimal(38, 10))
    from number_of_deal as m
    union all
    select m.metric, m.metric_date, m.owner_id, cast(case when m.is_yes then 1 when not m.is_yes then 0 end as decimal(38, 10))
    from answer as m
),

scoped_fact as (
    select f.metric, f.metric_date, f.owner_id, f.measure
    from fact as f
    union all
    select f.metric, f.metric_date, 'all', f.measure
    from fact as f
),

total as (
    select
        s.metric,
        s.metric_date,
        s.owner_id,
        coalesce(sum(s.measure), 0) as numerator,
        count(s.measure) as counted
    from scoped_fact as s
    group by s.metric, s.metric_date, s.owner_id
),

rule (metric, unit, has_denominator, times, parts) as (
    select r.metric, r.unit, r.has_denominator, r.times, r.parts
    from (
        values
        ('total_sales', 'amount', false, 1, 1),
        ('average_deal_size', 'amount', true, 1, 1),
        ('deals_won', 'count', false, 1, 1),
        ('contact_to_customer_rate', 'percent', true, 100, 1),
        ('contacts_created', 'count', false, 1, 1),
        ('qualified_rate', 'percent', true, 100, 1),
        ('trial_rate', 'percent', true, 100, 1),
        ('cancellation_rate', 'percent', true, 100, 1),
        ('upfront_cash', 'amount', false, 1, 1),
        ('average_installments', 'months', true, 1, 1),
        ('offer_given_rate', 'percent', true, 100, 1),
        ('offer_close_rate', 'percent', true, 100, 1),
        ('time_to_sale_days', 'days', true, 1, 86400)
    ) as r (metric, unit, has_denominator, times, parts)
)

select
    cast(t.metric_date as date) as metric_date,
    cast(t.owner_id as text) as owner_id,
    cast(t.metric as text) as metric,
    cast(t.numerator as decimal(38, 10)) as numerator,
    cast(case when r.has_denominator then t.counted end as bigint) as denominator,
    cast(
        case
            when r.has_denominator then ratio(t.numerator * r.times, t.counted * r.parts)
            else t.numerator
        end as decimal(38, 10)
    ) as value,
    cast(r.unit as text) as unit
from total as t
join rule as r on r.metric = t.metric
