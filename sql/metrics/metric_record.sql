-- description: Every record that counts in a metric, once per metric, with what it adds: the metrics' drill-down, and what
--   sums, means, rates and splits of any period are made of. Rows with counted_at in the period whose previous_at is not
--   are the records of that period; a metric is the sum of their measures, for means and rates over their number.
-- grain: metric, record_id
-- owner: team:revops
-- index: idx_metric_record_metric: metric
-- index: idx_metric_record_counted_at: counted_at
-- check: year_has_days warn: counted_at >= cast('0002-01-01 00:00:00+00:00' as timestamptz)
--   and counted_at < cast('9999-01-01 00:00:00+00:00' as timestamptz)
-- column: metric: The name of the metric.
-- column: object: What the record is: contact, deal or call.
-- column: record_id: The record's id in HubSpot.
-- column: counted_at: The instant that decides in which period the record counts.
-- column: measure: What the record adds: an amount, a number, milliseconds or seconds, or 1 for yes and 0 for no.
-- column: owner_id: The record's owner, `unassigned` without one.
-- column: contact_id: The contact whose variants are the record's; null without one.
-- column: sales_script_version: The contact's version of the sales script, `unknown` without one.
-- column: vsl_watched: Whether the contact watched the sales video: yes, no or unknown.
-- column: previous_at: When the same contact counted before; a period that holds it does not count this record again.
-- column: previous_of_owner_at: The same among the records of this owner, for metrics of one owner.
with record as (
    select
        'total_sales' as metric,
        'deal' as object,
        d.deal_id as record_id,
        d.closedate as counted_at,
        d.total_sales as measure,
        d.owner_id,
        d.contact_id,
        d.sales_script_version,
        d.vsl_watched,
        cast(null as timestamptz) as previous_at,
        cast(null as timestamptz) as previous_of_owner_at
    from metrics.deal_metric as d
    union all
    select
        'average_deal_size', 'deal', d.deal_id, d.closedate, d.average_deal_size,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'deals_won', 'deal', d.deal_id, d.closedate, d.deals_won,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'contact_to_customer_rate', 'contact', c.contact_id, c.createdate, c.contact_to_customer_rate,
        c.owner_id, c.contact_id, c.sales_script_version, c.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.contact_metric as c
    union all
    select
        'contacts_created', 'contact', c.contact_id, c.createdate, c.contacts_created,
        c.owner_id, c.contact_id, c.sales_script_version, c.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.contact_metric as c
    union all
    select
        'calls_total', 'call', k.call_id, k.call_timestamp, k.calls_total,
        k.owner_id, k.contact_id, k.sales_script_version, k.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.call_metric as k
    union all
    select
        'average_call_minutes', 'call', k.call_id, k.call_timestamp, k.average_call_minutes,
        k.owner_id, k.contact_id, k.sales_script_version, k.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.call_metric as k
    union all
    select
        'total_call_hours', 'call', k.call_id, k.call_timestamp, k.total_call_hours,
        k.owner_id, k.contact_id, k.sales_script_version, k.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.call_metric as k
    union all
    select
        'pickup_rate', 'call', k.call_id, k.call_timestamp, k.pickup_rate,
        k.owner_id, k.contact_id, k.sales_script_version, k.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.call_metric as k
    union all
    select
        'five_minute_reached_rate', 'call', k.call_id, k.call_timestamp, k.five_minute_reached_rate,
        k.owner_id, k.contact_id, k.sales_script_version, k.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.call_metric as k
    union all
    select
        'qualified_rate', 'deal', d.deal_id, d.createdate, d.qualified_rate,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'trial_rate', 'deal', d.deal_id, d.createdate, d.trial_rate,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'cancellation_rate', 'deal', d.deal_id, d.closedate, d.cancellation_rate,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'upfront_cash', 'deal', d.deal_id, d.closedate, d.upfront_cash,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'average_installments', 'deal', d.deal_id, d.closedate, d.average_installments,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'followup_rate', 'contact', c.contact_id, c.createdate, c.followup_rate,
        c.owner_id, c.contact_id, c.sales_script_version, c.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.contact_metric as c
    union all
    select
        'average_followups', 'contact', c.contact_id, c.createdate, c.average_followups,
        c.owner_id, c.contact_id, c.sales_script_version, c.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.contact_metric as c
    union all
    select
        'time_to_first_contact_hours', 'contact', c.contact_id, c.createdate, c.time_to_first_contact_hours,
        c.owner_id, c.contact_id, c.sales_script_version, c.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.contact_metric as c
    union all
    select
        'offer_given_rate', 'deal', d.deal_id, d.createdate, d.offer_given_rate,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'offer_close_rate', 'deal', d.deal_id, d.createdate, d.offer_close_rate,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'time_to_sale_days', 'deal', d.deal_id, d.closedate, d.time_to_sale_days,
        d.owner_id, d.contact_id, d.sales_script_version, d.vsl_watched,
        cast(null as timestamptz), cast(null as timestamptz)
    from metrics.deal_metric as d
    union all
    select
        'call_to_close_rate', 'call', k.call_id, k.call_timestamp, k.call_to_close_rate,
        k.owner_id, k.contact_id, k.sales_script_version, k.vsl_watched,
        k.previous_at, k.previous_of_owner_at
    from metrics.call_metric as k
)

select
    cast(r.metric as text) as metric,
    cast(r.object as text) as object,
    cast(r.record_id as text) as record_id,
    cast(r.counted_at as timestamptz) as counted_at,
    cast(r.measure as decimal(38, 10)) as measure,
    cast(r.owner_id as text) as owner_id,
    cast(r.contact_id as text) as contact_id,
    cast(r.sales_script_version as text) as sales_script_version,
    cast(r.vsl_watched as text) as vsl_watched,
    cast(r.previous_at as timestamptz) as previous_at,
    cast(r.previous_of_owner_at as timestamptz) as previous_of_owner_at
from record as r
where r.counted_at is not null and r.measure is not null
