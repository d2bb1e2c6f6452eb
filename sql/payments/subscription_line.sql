-- description: The recurring lines of every version of a subscription with their worth a month in the subscription's
--   currency. Charges are left out; a line that cannot be priced is worth nothing and says why.
-- grain: subscription_id, version, position
-- owner: team:revops
-- materialized: view
-- column: subscription_id: The subscription's id at the biller.
-- column: version: The version of the subscription's copy.
-- column: position: The line's place in the subscription, from 1.
-- column: kind: plan or addon.
-- column: ref: The line's item price.
-- column: bundle: seats, ops, hr, comms or other, by the words of the item price.
-- column: amount: What the line is worth a month, to 26 decimals.
-- column: months_above: Months of the billing period times months_below.
-- column: months_below: 52 for weeks, 365 for days, else 1.
-- column: flag: Why the line is worth nothing: metered_excluded, missing_price, negative_line, bad_period,
--   amount_out_of_range.
with element as materialized (
    select
        c.subscription_id,
        c.version,
        c.minor_units,
        c.period,
        c.period_unit,
        p.position,
        json_texts(
            p.item,
            '/item_type /item_price_id /item_id /amount /unit_price /quantity /free_quantity /metered_quantity /metered '
            || '/billing_period /billing_period_unit'
        ) as texts
    from payments.subscription_copy as c
    cross join lateral json_items(c.items) as p
),

item as materialized (
    select
        i.subscription_id,
        i.version,
        i.minor_units,
        i.position,
        lower(tidy(nth_text(i.texts, 1))) as kind,
        coalesce(tidy(nth_text(i.texts, 2)), tidy(nth_text(i.texts, 3)), '') as ref,
        number_of(nth_text(i.texts, 4)) as amount,
        number_of(nth_text(i.texts, 5)) as unit_price,
        number_of(nth_text(i.texts, 6)) as quantity,
        coalesce(number_of(nth_text(i.texts, 7)), 0) as free_quantity,
        nth_text(i.texts, 8) is not null or yes_no(nth_text(i.texts, 9)) as is_metered,
        coalesce(number_of(nth_text(i.texts, 10)), i.period) as period,
        coalesce(lower(tidy(nth_text(i.texts, 11))), i.period_unit) as period_unit
    from element as i
),

judged as materialized (
    select
        i.subscription_id,
        i.version,
        i.minor_units,
        i.position,
        i.kind,
        i.ref,
        i.amount,
        i.unit_price,
        coalesce(i.quantity, 1) as quantity,
        i.free_quantity,
        i.period,
        i.period_unit,
        case
            when i.is_metered then 'metered_excluded'
            when i.amount is null and i.unit_price is null then 'missing_price'
            when i.amount < 0 or i.unit_price < 0 or i.quantity < 0 or i.free_quantity < 0 then 'negative_line'
            when not i.period_unit in ('day', 'week', 'month', 'year') then 'bad_period'
            when not i.period between 1 and 1000 then 'bad_period'
            -- Price times quantity must stay below 10^18, which is what decimals with 20 places hold.
            when i.amount >= 1000000000000000 or i.unit_price >= 10000000000000 then 'amount_out_of_range'
            when i.quantity >= 1000000 then 'amount_out_of_range'
            when i.unit_price >= 100000000000 and i.quantity >= 10000 then 'amount_out_of_range'
        end as flag,
        i.period_unit in ('day', 'week', 'month', 'year') and i.period between 1 and 1000 as has_period
    from item as i
    where i.kind in ('plan', 'addon')
),

-- Months per period are exact fractions: a year is 12, a week 12/52, a day 12/365. A line worth nothing keeps its own,
-- because a plan's months divide the fixed coupons of the whole invoice.
priced as materialized (
    select
        j.subscription_id,
        j.version,
        j.position,
        j.kind,
        j.ref,
        case
            when j.flag is not null then 0
            when j.amount is not null then j.amount
            when j.quantity > j.free_quantity then cast(j.unit_price * (j.quantity - j.free_quantity) as decimal(38, 10))
            else 0
        end as minor_amount,
        case
            when not j.has_period then 1
            when j.period_unit = 'week' then 52
            when j.period_unit = 'day' then 365
            else 1
        end as periods,
        case when not j.has_period then 1 when j.period_unit = 'month' then j.period else j.period * 12 end as months,
        j.minor_units,
        j.flag
    from judged as j
),

bounded as (
    select
        p.subscription_id,
        p.version,
        p.position,
        p.kind,
        p.ref,
        p.minor_amount,
        p.periods,
        p.months,
        p.minor_units,
        p.flag,
        p.minor_amount < 1000000000000 * p.minor_units
        and p.minor_amount * p.periods < 100000000000 * p.months * p.minor_units as fits
    from priced as p
)

select
    cast(p.subscription_id as text) as subscription_id,
    cast(p.version as bigint) as version,
    cast(p.position as bigint) as position,
    cast(p.kind as text) as kind,
    cast(p.ref as text) as ref,
    cast(
        case
            when p.kind = 'plan' then null
            when matches(lower(p.ref), ${bundle_seats}) then 'seats'
            when matches(lower(p.ref), ${bundle_ops}) then 'ops'
            when matches(lower(p.ref), ${bundle_hr}) then 'hr'
            when matches(lower(p.ref), ${bundle_comms}) then 'comms'
            else 'other'
        end as text
    ) as bundle,
    -- Minor units are powers of ten, so the first portion is exact; in one step the numbers would not fit.
    cast(
        case when p.fits then portion(portion(1, p.minor_amount, p.minor_units), p.periods, p.months) else 0 end
        as decimal(38, 26)
    ) as amount,
    cast(p.months as decimal(38, 10)) as months_above,
    cast(p.periods as bigint) as months_below,
    cast(case when p.fits then p.flag else 'amount_out_of_range' end as text) as flag
from bounded as p
