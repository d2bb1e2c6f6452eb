-- description: The 22 sales metrics per calendar month of the report's time zone, split by the contact's sales script version
--   and by whether the contact watched the sales video; no row where nothing counts. Sums and counts add up to the total.
--   The split of any other period and the comparison of variants: `hubspot-platform metric --by`. Records of the years 1
--   and 9999 are in no month, as they are on no day of `metrics.daily_metric`.
-- grain: period_start, dimension, variant, metric
-- owner: team:revops
-- check: rates_within_100 error: unit <> 'percent' or value between ci_low and ci_high and ci_high <= 100
-- check: groups_not_empty error: group_size >= 1
-- column: period_start: The first day of the month, in the report's time zone.
-- column: period_end: The first day of the next month.
-- column: dimension: What divides the records: sales_script_version or vsl_watched.
-- column: variant: The group, `unknown` for records without one.
-- column: metric: The name of the metric.
-- column: numerator: What the records add up to; seconds or milliseconds for durations.
-- column: denominator: The records that count; null for sums and counts, which have none.
-- column: value: The metric. Percent for rates.
-- column: ci_low: The lower end of the 95 % Wilson interval of a rate, in percent; null for other metrics.
-- column: ci_high: The upper end.
-- column: median: The median beside the mean, for time_to_first_contact_hours and time_to_sale_days.
-- column: group_size: The records that count.
-- column: unit: What value and median are: amount, count, percent, months, minutes, hours or days.
with monthly_record as (
    select
        r.metric,
        month_start(day_in_zone(r.counted_at, ${report_time_zone})) as period_start,
        r.sales_script_version,
        r.vsl_watched,
        r.measure
    from metrics.metric_record as r
    where
        r.counted_at >= cast('0002-01-01 00:00:00+00:00' as timestamptz)
        and r.counted_at < cast('9999-01-01 00:00:00+00:00' as timestamptz)
        and (
            r.previous_at is null
            or month_start(day_in_zone(r.previous_at, ${report_time_zone}))
                < month_start(day_in_zone(r.counted_at, ${report_time_zone}))
        )
),

grouped_record as (
    select r.metric, r.period_start, 'sales_script_version' as dimension, r.sales_script_version as variant, r.measure
    from monthly_record as r
    union all
    select r.metric, r.period_start, 'vsl_watched', r.vsl_watched, r.measure
    from monthly_record as r
),

total as (
    select
        g.metric,
        g.period_start,
        g.dimension,
        g.variant,
        sum(g.measure) as numerator,
        count(*) as counted
    from grouped_record as g
    group by g.metric, g.period_start, g.dimension, g.variant
),

placed_record as (
    select
        g.metric,
        g.period_start,
        g.dimension,
        g.variant,
        g.measure,
        row_number() over (
            partition by g.metric, g.period_start, g.dimension, g.variant
            order by g.measure asc nulls last
        ) as place
    from grouped_record as g
    join metrics.metric_rule as r on r.metric = g.metric
    where r.has_median
),

middle as (
    select
        p.metric,
        p.period_start,
        p.dimension,
        p.variant,
        sum(p.measure) as numerator,
        count(*) as counted
    from placed_record as p
    join total as t
        on t.metric = p.metric
        and t.period_start = p.period_start
        and t.dimension = p.dimension
        and t.variant = p.variant
    where 2 * p.place between t.counted and t.counted + 2
    group by p.metric, p.period_start, p.dimension, p.variant
)

select
    cast(t.period_start as date) as period_start,
    cast(month_start(t.period_start + 31) as date) as period_end,
    cast(t.dimension as text) as dimension,
    cast(t.variant as text) as variant,
    cast(t.metric as text) as metric,
    cast(t.numerator as decimal(38, 10)) as numerator,
    cast(case when r.has_denominator then t.counted end as bigint) as denominator,
    cast(
        ratio(t.numerator * r.times, case when r.has_denominator then t.counted else 1 end * r.parts) as decimal(38, 10)
    ) as value,
    cast(case when r.is_rate then wilson_low(t.numerator, t.counted) end as decimal(38, 10)) as ci_low,
    cast(case when r.is_rate then wilson_high(t.numerator, t.counted) end as decimal(38, 10)) as ci_high,
    cast(ratio(m.numerator * r.times, m.counted * r.parts) as decimal(38, 10)) as median,
    cast(t.counted as bigint) as group_size,
    cast(r.unit as text) as unit
from total as t
join metrics.metric_rule as r on r.metric = t.metric
left join middle as m
    on m.metric = t.metric
    and m.period_start = t.period_start
    and m.dimension = t.dimension
    and m.variant = t.variant
