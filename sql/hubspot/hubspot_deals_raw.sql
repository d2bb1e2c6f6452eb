-- description: One row per live deal with the fields the sales metrics read and the whole record as JSON.
--   Archived and deleted deals are left out.
-- grain: hubspot_id
-- owner: team:revops
-- index: idx_deals_stage: dealstage
-- index: idx_deals_amount: amount
-- index: idx_deals_closedate: closedate
-- index: idx_deals_payment_status: payment_status
-- index: idx_deals_raw_json: raw_json
-- check: has_createdate warn: not_null(createdate)
-- check: won_deals_have_an_amount warn: not is_won or amount is not null
-- check: won_deals_have_a_closedate warn: not is_won or closedate is not null
-- column: hubspot_id: The deal's id in HubSpot.
-- column: dealname: The deal's name.
-- column: amount: In the deal's currency, as HubSpot returned it; null beyond 18 digits before the point, whose sums
--   would overflow.
-- column: dealstage: The id of the stage within the pipeline.
-- column: createdate: When the deal was created in HubSpot.
-- column: closedate: When the deal was won or lost, or is expected to be; won deals count on this day.
-- column: qualified_status: Whether the deal is qualified: yes or no as the portal words it; null when empty.
-- column: trial_status: Whether the customer took a trial: yes or no as the portal words it; null when empty.
-- column: payment_status: How the payment stands; cancelled, canceled, churned and refunded count as cancelled.
-- column: number_of_installments__months: Whole months; null when missing or not a whole number.
-- column: pipeline: The id of the pipeline.
-- column: is_won: The stage is one of the configured won stages, or else closed with probability 1.
-- column: offer_given: Whether an offer was made: yes or no as the portal words it; null when empty.
-- column: upfront_cash: Cash received at once where the portal records it; replaces amount by instalments. Null when
--   missing, no number, or beyond 18 digits before the point.
-- column: hubspot_owner_id: The id of the deal's owner; null without one.
-- column: first_contact_id: The smallest contact id among the associated contacts, since associations have no age.
-- column: raw_json: All properties, and the ids of the associated contacts and companies in ascending order.
-- column: synced_at: When the mirror last read the deal.
-- column: updated_at: When HubSpot last changed the deal.
with live_contact as (
    select distinct
        a.deal_id,
        a.contact_id
    from hubspot.deal_contact as a
    left join hubspot.contact as c on c.id = a.contact_id
    where not coalesce(c.is_deleted, false) and not coalesce(c._fivetran_deleted, false)
),

deal_contacts as (
    select
        lc.deal_id,
        min(lc.contact_id) as first_contact_id,
        string_agg(
            '{"id":"' || cast(lc.contact_id as text) || '","type":"deal_to_contact"}',
            ','
            order by lc.contact_id asc nulls first
        ) as results
    from live_contact as lc
    group by lc.deal_id
),

live_company as (
    select distinct
        a.deal_id,
        a.company_id
    from hubspot.deal_company as a
    left join hubspot.company as c on c.id = a.company_id
    where not coalesce(c.is_deleted, false) and not coalesce(c._fivetran_deleted, false)
),

deal_companies as (
    select
        lc.deal_id,
        string_agg(
            '{"id":"' || cast(lc.company_id as text) || '","type":"deal_to_company"}',
            ','
            order by lc.company_id asc nulls first
        ) as results
    from live_company as lc
    group by lc.deal_id
),

reading as (
    select
        d.deal_id,
        trim(cast(d.${deal.number_of_installments__months} as text)) as installments,
        number_of(cast(d.property_amount as text)) as amount,
        number_of(cast(d.${deal.upfront_cash} as text)) as upfront_cash,
        coalesce(
            d.deal_pipeline_stage_id in (${won_stages}),
            s.closed_won,
            d.deal_pipeline_stage_id = 'closedwon',
            false
        ) as is_won
    from hubspot.deal as d
    left join hubspot.deal_pipeline_stage as s
        on s.pipeline_id = d.deal_pipeline_id and s.stage_id = d.deal_pipeline_stage_id
    where not coalesce(d.is_deleted, false) and not coalesce(d._fivetran_deleted, false)
)

select
    cast(d.deal_id as text) as hubspot_id,
    cast(nullif(cast(d.property_dealname as text), '') as text) as dealname,
    cast(
        case when r.amount between -999999999999999999 and 999999999999999999 then r.amount end as decimal(38, 10)
    ) as amount,
    cast(d.deal_pipeline_stage_id as text) as dealstage,
    cast(d.property_createdate as timestamptz) as createdate,
    cast(d.property_closedate as timestamptz) as closedate,
    cast(nullif(trim(cast(d.${deal.qualified_status} as text)), '') as text) as qualified_status,
    cast(nullif(trim(cast(d.${deal.trial_status} as text)), '') as text) as trial_status,
    cast(nullif(trim(cast(d.${deal.payment_status} as text)), '') as text) as payment_status,
    cast(
        case
            when matches(r.installments, '^-{0,1}[0-9]{1,9}([.]0+){0,1}$')
                then cast(r.installments as decimal(38, 10))
        end as bigint
    ) as number_of_installments__months,
    cast(d.deal_pipeline_id as text) as pipeline,
    cast(r.is_won as boolean) as is_won,
    cast(nullif(trim(cast(d.${deal.offer_given} as text)), '') as text) as offer_given,
    cast(
        case when r.upfront_cash between -999999999999999999 and 999999999999999999 then r.upfront_cash end
        as decimal(38, 10)
    ) as upfront_cash,
    cast(d.owner_id as text) as hubspot_owner_id,
    cast(dc.first_contact_id as text) as first_contact_id,
    cast(
        '{"properties":' || coalesce(cast(json_part(d.raw_json, 'properties') as text), '{}')
        || ',"associations":{"contacts":{"results":[' || coalesce(dc.results, '')
        || ']},"companies":{"results":[' || coalesce(co.results, '') || ']}}}' as json
    ) as raw_json,
    cast(d._fivetran_synced as timestamptz) as synced_at,
    cast(d.updated_at as timestamptz) as updated_at
from hubspot.deal as d
join reading as r on r.deal_id = d.deal_id
left join deal_contacts as dc on dc.deal_id = d.deal_id
left join deal_companies as co on co.deal_id = d.deal_id
