-- description: One row per live deal with what it adds to each metric that counts deals: a column per metric, null where
--   the deal does not count. Every other table of metrics reads these columns.
-- grain: deal_id
-- owner: team:revops
-- index: idx_deal_metric_closedate: closedate
-- index: idx_deal_metric_createdate: createdate
-- column: deal_id: The deal's id in HubSpot.
-- column: createdate: When the deal was created; qualified, trial and the two offer rates count it then.
-- column: closedate: When the deal was won; all other metrics of this table count it then.
-- column: owner_id: The owner of the deal, `unassigned` without one.
-- column: contact_id: The first associated contact, whose variants are the deal's; null without one.
-- column: sales_script_version: That contact's version of the sales script, `unknown` without one.
-- column: vsl_watched: Whether that contact watched the sales video: yes, no or unknown.
-- column: total_sales: The amount of a won deal, 0 without one.
-- column: average_deal_size: The amount of a won deal; null without one.
-- column: deals_won: 1 for a won deal.
-- column: qualified_rate: 1 when qualified is yes, 0 when no; null for anything else.
-- column: trial_rate: 1 when trial is yes, 0 when no; null for anything else.
-- column: cancellation_rate: Of a won deal with a payment status, 1 for cancelled, canceled, churned or refunded, else 0.
-- column: upfront_cash: The recorded cash of a won deal, or else its amount by its instalments, missing ones being 1.
-- column: average_installments: The instalments of a won deal, where they are 1 or more.
-- column: offer_given_rate: 1 when an offer was given, 0 when not; null for anything else.
-- column: offer_close_rate: Of a deal with an offer, 1 when it is won, else 0.
-- column: time_to_sale_days: Seconds from creation to close of a won deal; null when it closed before it was created.
with reading as (
    select
        d.hubspot_id as deal_id,
        yes_no(d.qualified_status) as qualified,
        yes_no(d.trial_status) as trial,
        yes_no(d.offer_given) as offered,
        case when d.number_of_installments__months >= 1 then d.number_of_installments__months end as installments
    from hubspot.hubspot_deals_raw as d
)

select
    cast(d.hubspot_id as text) as deal_id,
    cast(d.createdate as timestamptz) as createdate,
    cast(d.closedate as timestamptz) as closedate,
    cast(coalesce(d.hubspot_owner_id, 'unassigned') as text) as owner_id,
    cast(d.first_contact_id as text) as contact_id,
    cast(coalesce(v.sales_script_version, 'unknown') as text) as sales_script_version,
    cast(coalesce(v.vsl_watched, 'unknown') as text) as vsl_watched,
    cast(case when d.is_won then coalesce(d.amount, 0) end as decimal(38, 10)) as total_sales,
    cast(case when d.is_won then d.amount end as decimal(38, 10)) as average_deal_size,
    cast(case when d.is_won then 1 end as decimal(38, 10)) as deals_won,
    cast(case when r.qualified then 1 when not r.qualified then 0 end as decimal(38, 10)) as qualified_rate,
    cast(case when r.trial then 1 when not r.trial then 0 end as decimal(38, 10)) as trial_rate,
    cast(
        case
            when not d.is_won then null
            when lower(d.payment_status) in ('cancelled', 'canceled', 'churned', 'refunded') then 1
            when d.payment_status is not null then 0
        end as decimal(38, 10)
    ) as cancellation_rate,
    cast(
        case when d.is_won then coalesce(d.upfront_cash, ratio(d.amount, coalesce(r.installments, 1)), 0) end
        as decimal(38, 10)
    ) as upfront_cash,
    cast(case when d.is_won then r.installments end as decimal(38, 10)) as average_installments,
    cast(case when r.offered then 1 when not r.offered then 0 end as decimal(38, 10)) as offer_given_rate,
    cast(case when r.offered and d.is_won then 1 when r.offered then 0 end as decimal(38, 10)) as offer_close_rate,
    cast(
        case when d.is_won and d.closedate >= d.createdate then seconds_between(d.createdate, d.closedate) end
        as decimal(38, 10)
    ) as time_to_sale_days
from hubspot.hubspot_deals_raw as d
join reading as r on r.deal_id = d.hubspot_id
left join metrics.contact_metric as v on v.contact_id = d.first_contact_id
