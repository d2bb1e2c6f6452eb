-- description: Every version of every subscription the biller sent up to the time of the run, once, with its fields
--   unpacked. Scheduled changes and the biller's own MRR notices change nothing and are left out.
-- grain: subscription_id, version
-- owner: team:revops
-- column: subscription_id: The subscription's id at the biller.
-- column: version: The copy's resource version, or the event's time in milliseconds when the copy has none.
-- column: since: When this version happened, at the biller.
-- column: until: When a newer version replaced it; null for the newest.
-- column: event_id: The event that brought it.
-- column: customer_id: The customer's id at the biller.
-- column: company_field: What the subscription's configured field says of the company; null without one.
-- column: status: The biller's status; deleted, cancelled or paused after an event of that type, whatever its copy says.
-- column: counts: The status earns MRR.
-- column: currency: ISO 4217 code.
-- column: minor_units: How many of the currency's smallest unit make one.
-- column: period: How many units a billing period lasts; 1 when not said.
-- column: period_unit: day, week, month or year; month when not said.
-- column: free_months: Months of the contract that are free, from the configured field.
-- column: contract_months: Months of the contract, from the configured field; 12 when not said.
-- column: started_at: When it began.
-- column: cancelled_at: When it ended; null while it runs.
-- column: next_billing_at: When it is billed next.
-- column: items: Its lines, as the biller sent them.
-- column: coupons: Its coupons, as the biller sent them.
-- column: discounts: Its manual discounts, as the biller sent them.
with seen as (
    select
        e.event_id,
        e.event_type,
        e.occurred_at,
        e.received_at,
        json_texts(e.content, '/subscription/id /subscription/resource_version') as texts
    from payments.payment_events as e
    where
        e.occurred_at <= ${as_of}
        and e.event_type <> 'mrr_updated'
        and e.event_type not like '%scheduled%'
),

numbered as (
    select
        f.event_id,
        f.event_type,
        f.occurred_at,
        f.subscription_id,
        f.version,
        row_number() over (
            partition by f.subscription_id, f.version
            order by
                case
                    when f.event_type = 'subscription_deleted' then 0
                    when matches(f.event_type, '^subscription_(cancell?ed|paused)') then 1
                    else 2
                end asc nulls last,
                f.received_at asc nulls last,
                f.event_id asc nulls last
        ) as place
    from (
        select
            s.event_id,
            s.event_type,
            s.occurred_at,
            s.received_at,
            tidy(nth_text(s.texts, 1)) as subscription_id,
            version_of(nth_text(s.texts, 2), s.occurred_at) as version
        from seen as s
        where tidy(nth_text(s.texts, 1)) is not null
    ) as f
),

single as (
    select
        n.event_id,
        n.occurred_at,
        n.subscription_id,
        n.version,
        row_number() over (partition by n.subscription_id order by n.version asc nulls last) as step,
        min(n.occurred_at) over (partition by n.subscription_id order by n.version desc nulls last) as overtaken_at
    from numbered as n
    where n.place = 1
),

-- Ids only up to here: the documents join when it is known which of them count.
version as (
    select s.event_id, s.subscription_id, s.version, l.overtaken_at as until
    from single as s
    left join single as l on l.subscription_id = s.subscription_id and l.step = s.step + 1
    -- A version that a newer one had already replaced when it happened was never in force.
    where l.overtaken_at is null or l.overtaken_at > s.occurred_at
),

document as (
    select
        e.event_id,
        e.event_type,
        e.occurred_at,
        v.subscription_id,
        v.version,
        v.until,
        json_texts(
            e.content,
            '/subscription/customer_id /subscription/deleted /subscription/status /subscription/currency_code '
            || '/subscription/billing_period /subscription/billing_period_unit /subscription/started_at '
            || '/subscription/cancelled_at /subscription/next_billing_at /subscription/' || ${company_field}
            || ' /subscription/' || ${free_months_field} || ' /subscription/' || ${contract_months_field}
        ) as texts,
        json_part(json_part(e.content, 'subscription'), 'subscription_items') as items,
        json_part(json_part(e.content, 'subscription'), 'coupons') as coupons,
        json_part(json_part(e.content, 'subscription'), 'discounts') as discounts
    from payments.payment_events as e
    join version as v on v.event_id = e.event_id
),

unpacked as (
    select
        s.subscription_id,
        s.version,
        s.occurred_at as since,
        s.until,
        s.event_id,
        tidy(nth_text(s.texts, 1)) as customer_id,
        tidy(nth_text(s.texts, 10)) as company_field,
        case
            when s.event_type = 'subscription_deleted' or yes_no(nth_text(s.texts, 2)) then 'deleted'
            -- These events end MRR by what they are, also when their copy still says active.
            when matches(s.event_type, '^subscription_cancell?ed') then 'cancelled'
            when s.event_type = 'subscription_paused' then 'paused'
            else coalesce(lower(tidy(nth_text(s.texts, 3))), 'unknown')
        end as status,
        upper(tidy(nth_text(s.texts, 4))) as currency,
        number_of(nth_text(s.texts, 5)) as period,
        coalesce(lower(tidy(nth_text(s.texts, 6))), 'month') as period_unit,
        number_of(nth_text(s.texts, 11)) as free_months,
        number_of(nth_text(s.texts, 12)) as contract_months,
        instant_of(nth_text(s.texts, 7)) as started_at,
        instant_of(nth_text(s.texts, 8)) as cancelled_at,
        instant_of(nth_text(s.texts, 9)) as next_billing_at,
        s.items,
        s.coupons,
        s.discounts
    from document as s
)

select
    cast(u.subscription_id as text) as subscription_id,
    cast(u.version as bigint) as version,
    cast(u.since as timestamptz) as since,
    cast(u.until as timestamptz) as until,
    cast(u.event_id as text) as event_id,
    cast(u.customer_id as text) as customer_id,
    cast(u.company_field as text) as company_field,
    cast(u.status as text) as status,
    cast(u.status in ('active', 'non_renewing') as boolean) as counts,
    cast(coalesce(u.currency, 'unknown') as text) as currency,
    cast(minor_units(u.currency) as bigint) as minor_units,
    cast(coalesce(u.period, 1) as decimal(38, 10)) as period,
    cast(u.period_unit as text) as period_unit,
    cast(u.free_months as decimal(38, 10)) as free_months,
    cast(case when u.contract_months between 1 and 1200 then u.contract_months else 12 end as decimal(38, 10)) as contract_months,
    cast(u.started_at as timestamptz) as started_at,
    cast(u.cancelled_at as timestamptz) as cancelled_at,
    cast(u.next_billing_at as timestamptz) as next_billing_at,
    cast(u.items as json) as items,
    cast(u.coupons as json) as coupons,
    cast(u.discounts as json) as discounts
from unpacked as u
