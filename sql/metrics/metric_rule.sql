-- description: The 22 metrics and how the measures of their records become a value: multiplied by times, divided by parts
--   and, where there is a denominator, by their number.
-- grain: metric
-- owner: team:revops
-- materialized: view
-- column: metric: The name of the metric.
-- column: unit: What value and median are: amount, count, percent, months, minutes, hours or days.
-- column: times: What the sum of the measures is multiplied by.
-- column: parts: What it is divided by.
-- column: has_denominator: A mean or a rate, not a sum.
-- column: is_rate: A rate.
-- column: has_median: The median is shown beside it.
select
    cast(json_text(i.item, 'metric') as text) as metric,
    cast(json_text(i.item, 'unit') as text) as unit,
    cast(json_text(i.item, 'times') as bigint) as times,
    cast(json_text(i.item, 'parts') as bigint) as parts,
    cast(json_text(i.item, 'kind') <> 'total' as boolean) as has_denominator,
    cast(json_text(i.item, 'kind') = 'rate' as boolean) as is_rate,
    cast(yes_no(json_text(i.item, 'has_median')) as boolean) as has_median
from (values (1)) as c (one)
cross join lateral json_items(${metric_rules}) as i
