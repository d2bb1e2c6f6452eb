-- description: The 22 sales metrics per day of the report's time zone, per owner and for all; no row where nothing counts.
--   A longer period is the sum of its numerators over the sum of its denominators, but for call_to_close_rate, which
--   counts a contact once a day here and once in any period, and for medians: ask `hubspot-platform metric` for those.
--   Records of the years 1 and 9999 are on no day: in some zone theirs is in a year that not every reader knows.
-- grain: metric_date, owner_id, metric
-- owner: team:revops
-- partition: metric_date
-- check: rates_within_100 error: unit <> 'percent' or value between 0 and 100
-- check: counts_not_negative error: coalesce(denominator, 1) >= 1
-- column: metric_date: The day, in the report's time zone.
-- column: owner_id: The owner of the contact, deal or call, `unassigned` without one, `all` for the total.
-- column: metric: The name of the metric.
-- column: numerator: What the records add up to; seconds or milliseconds for durations.
-- column: denominator: The records that count; null for sums and counts, which have none.
-- column: value: The metric. Percent for rates.
-- column: median: The median beside the mean, for time_to_first_contact_hours and time_to_sale_days.
-- column: unit: What value and median are: amount, count, percent, months, minutes, hours or days.
with dated_record as (
    select
        r.metric,
        day_in_zone(r.counted_at, ${report_time_zone}) as metric_date,
        r.owner_id,
        r.measure,
        day_in_zone(r.previous_at, ${report_time_zone}) as previous_date,
        day_in_zone(r.previous_of_owner_at, ${report_time_zone}) as previous_date_of_owner
    from metrics.metric_record as r
    where
        r.counted_at >= cast('0002-01-01 00:00:00+00:00' as timestamptz)
        and r.counted_at < cast('9999-01-01 00:00:00+00:00' as timestamptz)
),

scoped_record as (
    select r.metric, r.metric_date, r.owner_id, r.measure
    from dated_record as r
    where r.previous_date_of_owner is null or r.previous_date_of_owner < r.metric_date
    union all
    select r.metric, r.metric_date, 'all', r.measure
    from dated_record as r
    where r.previous_date is null or r.previous_date < r.metric_date
),

total as (
    select
        s.metric,
        s.metric_date,
        s.owner_id,
        sum(s.measure) as numerator,
        count(*) as counted
    from scoped_record as s
    group by s.metric, s.metric_date, s.owner_id
),

placed_record as (
    select
        s.metric,
        s.metric_date,
        s.owner_id,
        s.measure,
        row_number() over (partition by s.metric, s.metric_date, s.owner_id order by s.measure asc nulls last) as place
    from scoped_record as s
    join metrics.metric_rule as r on r.metric = s.metric
    where r.has_median
),

middle as (
    select
        p.metric,
        p.metric_date,
        p.owner_id,
        sum(p.measure) as numerator,
        count(*) as counted
    from placed_record as p
    join total as t on t.metric = p.metric and t.metric_date = p.metric_date and t.owner_id = p.owner_id
    where 2 * p.place between t.counted and t.counted + 2
    group by p.metric, p.metric_date, p.owner_id
)

select
    cast(t.metric_date as date) as metric_date,
    cast(t.owner_id as text) as owner_id,
    cast(t.metric as text) as metric,
    cast(t.numerator as decimal(38, 10)) as numerator,
    cast(case when r.has_denominator then t.counted end as bigint) as denominator,
    cast(
        ratio(t.numerator * r.times, case when r.has_denominator then t.counted else 1 end * r.parts) as decimal(38, 10)
    ) as value,
    cast(ratio(m.numerator * r.times, m.counted * r.parts) as decimal(38, 10)) as median,
    cast(r.unit as text) as unit
from total as t
join metrics.metric_rule as r on r.metric = t.metric
left join middle as m on m.metric = t.metric and m.metric_date = t.metric_date and m.owner_id = t.owner_id
