-- description: The coupons and manual discounts on every version of a subscription, with the catalogue's terms and the
--   reason why one is refused. What the subscription itself says of a coupon wins over the catalogue. A coupon that the
--   catalogue changed while the version held has a row for the terms before and one for those after.
-- grain: subscription_id, version, coupon_no
-- owner: team:revops
-- column: subscription_id: The subscription's id at the biller.
-- column: version: The version of the subscription's copy.
-- column: coupon_no: The order in which coupons are applied within a step: coupons by id, then manual discounts by id.
-- column: coupon_id: The coupon's id, or the manual discount's.
-- column: is_manual: A manual discount.
-- column: step: 1 fixed amount on lines, 2 percentage on lines, 3 fixed amount on the invoice, 4 percentage on the
--   invoice; null when refused.
-- column: percentage: Percent off, from 0 to 100.
-- column: amount: Money off per billing period, in the subscription's currency.
-- column: duration_type: one_time, forever or limited_period.
-- column: counts: Its duration lets it count in MRR while it is in force.
-- column: apply_till: When it ends; null when it does not.
-- column: targets: The biller's constraints on which lines it applies to.
-- column: target: The one item price a manual discount is for.
-- column: in_force_from: When the catalogue's terms began; null for a coupon's first ones and for manual discounts.
-- column: in_force_until: When the catalogue changed them; null for those that hold.
-- column: refused: Why it is refused: unknown_coupon, unsupported_type, unsupported_apply_on, bad_percentage,
--   bad_amount, coupon_currency.
with entry as (
    select
        c.subscription_id,
        c.version,
        c.since,
        c.until,
        c.currency,
        c.minor_units,
        coalesce(tidy(json_text(p.item, 'coupon_id')), '') as coupon_id,
        false as is_manual,
        p.position,
        p.item as doc
    from payments.subscription_copy as c
    cross join lateral json_items(c.coupons) as p
    union all
    select
        c.subscription_id,
        c.version,
        c.since,
        c.until,
        c.currency,
        c.minor_units,
        coalesce(tidy(json_text(p.item, 'id')), ''),
        true,
        p.position,
        p.item
    from payments.subscription_copy as c
    cross join lateral json_items(c.discounts) as p
),

term as (
    select
        e.subscription_id,
        e.version,
        e.currency,
        e.minor_units,
        e.coupon_id,
        e.is_manual,
        e.position,
        coalesce(
            json_text(e.doc, 'discount_type'),
            case when e.is_manual then json_text(e.doc, 'type') end,
            json_text(k.doc, 'discount_type')
        ) as discount_type,
        coalesce(json_text(e.doc, 'apply_on'), json_text(k.doc, 'apply_on'), 'invoice_amount') as apply_on,
        number_of(
            coalesce(
                json_text(e.doc, 'discount_percentage'),
                json_text(e.doc, 'percentage'),
                json_text(k.doc, 'discount_percentage')
            )
        ) as percentage,
        number_of(
            coalesce(
                json_text(e.doc, 'discount_amount'), json_text(e.doc, 'amount'), json_text(k.doc, 'discount_amount')
            )
        ) as amount,
        upper(coalesce(json_text(e.doc, 'currency_code'), json_text(k.doc, 'currency_code'))) as coupon_currency,
        coalesce(json_text(e.doc, 'duration_type'), json_text(k.doc, 'duration_type')) as duration_type,
        yes_no(coalesce(json_text(e.doc, 'included_in_mrr'), json_text(k.doc, 'included_in_mrr'))) as included_in_mrr,
        instant_of(json_text(e.doc, 'apply_till')) as apply_till,
        coalesce(json_part(e.doc, 'item_constraints'), json_part(k.doc, 'item_constraints')) as targets,
        tidy(json_text(e.doc, 'item_price_id')) as target,
        k.since as in_force_from,
        k.until as in_force_until
    from entry as e
    left join payments.coupon as k
        on k.coupon_id = e.coupon_id
        and not e.is_manual
        and (k.since is null or e.until is null or k.since < e.until)
        and (k.until is null or k.until > e.since)
),

judged as (
    select
        t.subscription_id,
        t.version,
        t.minor_units,
        t.coupon_id,
        t.is_manual,
        t.position,
        t.discount_type,
        t.apply_on <> 'invoice_amount' as on_items,
        t.percentage,
        t.amount,
        t.duration_type,
        t.duration_type in ('forever', 'limited_period')
        or (t.duration_type = 'one_time' and coalesce(t.included_in_mrr, false)) as counts,
        t.apply_till,
        t.targets,
        t.target,
        t.in_force_from,
        t.in_force_until,
        case
            when t.discount_type is null and not t.is_manual then 'unknown_coupon'
            when not coalesce(t.discount_type, '') in ('fixed_amount', 'percentage') then 'unsupported_type'
            when t.is_manual and not t.apply_on in ('invoice_amount', 'each_specified_item', 'specific_item_price')
                then 'unsupported_apply_on'
            -- One item price is what manual discounts may name; coupons name theirs in constraints.
            when not t.is_manual and not t.apply_on in ('invoice_amount', 'each_specified_item')
                then 'unsupported_apply_on'
            -- Criteria name families and periods of a catalogue that the events do not carry.
            when t.apply_on = 'each_specified_item'
                and matches(cast(t.targets as text), '(?i)"constraint"[[:space:]]*:[[:space:]]*"criteria"')
                then 'unsupported_apply_on'
            when t.discount_type = 'percentage' and not coalesce(t.percentage > 0 and t.percentage <= 100, false)
                then 'bad_percentage'
            -- A daily line makes 30 times as much of it a month, which must fit as well.
            when t.discount_type = 'fixed_amount'
                and not coalesce(t.amount > 0 and t.amount < 10000000000 * t.minor_units, false)
                then 'bad_amount'
            when t.discount_type = 'fixed_amount' and t.coupon_currency <> t.currency then 'coupon_currency'
        end as refused
    from term as t
)

select
    cast(j.subscription_id as text) as subscription_id,
    cast(j.version as bigint) as version,
    cast(
        row_number() over (
            partition by j.subscription_id, j.version
            order by
                j.is_manual asc nulls last,
                byte_order(j.coupon_id) asc nulls last,
                j.in_force_from asc nulls first,
                j.percentage asc nulls last,
                j.amount asc nulls last,
                j.apply_till asc nulls last,
                byte_order(j.target) asc nulls last,
                j.position asc nulls last
        ) as bigint
    ) as coupon_no,
    cast(j.coupon_id as text) as coupon_id,
    cast(j.is_manual as boolean) as is_manual,
    cast(
        case
            when j.refused is not null then null
            when j.on_items and j.discount_type = 'fixed_amount' then 1
            when j.on_items then 2
            when j.discount_type = 'fixed_amount' then 3
            else 4
        end as bigint
    ) as step,
    cast(case when j.discount_type = 'percentage' then j.percentage end as decimal(38, 10)) as percentage,
    cast(
        case
            when j.discount_type = 'fixed_amount' and j.refused is null
                then portion(1, j.amount, j.minor_units)
        end as decimal(38, 26)
    ) as amount,
    cast(j.duration_type as text) as duration_type,
    cast(coalesce(j.counts, false) as boolean) as counts,
    cast(j.apply_till as timestamptz) as apply_till,
    cast(j.targets as json) as targets,
    cast(j.target as text) as target,
    cast(j.in_force_from as timestamptz) as in_force_from,
    cast(j.in_force_until as timestamptz) as in_force_until,
    cast(j.refused as text) as refused
from judged as j
