-- description: How many visits carry each advertising platform's identifier, and how many of those are none.
--   An identifier that is none is ignored; the visit counts.
-- grain: identifier
-- owner: team:marketing
-- partition: computed_at
-- check: all_valid warn: invalid = 0
-- column: identifier: gclid, wbraid, gbraid, fbclid, fbp, msclkid or li_fat_id.
-- column: platform: google, meta, microsoft or linkedin.
-- column: valid: Visits with a usable identifier.
-- column: missing: Visits without one; no error.
-- column: invalid: Visits with a text that cannot be one.
-- column: computed_at: When the table was computed.
with counted as (
    select
        'gclid' as identifier,
        'google' as platform,
        count(*) as total,
        sum(case when click_id('gclid', v.gclid) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.gclid) is null then 1 else 0 end) as absent
    from attribution.visits as v
    union all
    select
        'wbraid' as identifier,
        'google' as platform,
        count(*) as total,
        sum(case when click_id('wbraid', v.wbraid) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.wbraid) is null then 1 else 0 end) as absent
    from attribution.visits as v
    union all
    select
        'gbraid' as identifier,
        'google' as platform,
        count(*) as total,
        sum(case when click_id('gbraid', v.gbraid) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.gbraid) is null then 1 else 0 end) as absent
    from attribution.visits as v
    union all
    select
        'fbclid' as identifier,
        'meta' as platform,
        count(*) as total,
        sum(case when click_id('fbclid', v.fbclid) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.fbclid) is null then 1 else 0 end) as absent
    from attribution.visits as v
    union all
    select
        'fbp' as identifier,
        'meta' as platform,
        count(*) as total,
        sum(case when click_id('fbp', v.fbp) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.fbp) is null then 1 else 0 end) as absent
    from attribution.visits as v
    union all
    select
        'msclkid' as identifier,
        'microsoft' as platform,
        count(*) as total,
        sum(case when click_id('msclkid', v.msclkid) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.msclkid) is null then 1 else 0 end) as absent
    from attribution.visits as v
    union all
    select
        'li_fat_id' as identifier,
        'linkedin' as platform,
        count(*) as total,
        sum(case when click_id('li_fat_id', v.li_fat_id) is not null then 1 else 0 end) as usable,
        sum(case when tidy(v.li_fat_id) is null then 1 else 0 end) as absent
    from attribution.visits as v
)

select
    cast(c.identifier as text) as identifier,
    cast(c.platform as text) as platform,
    cast(coalesce(c.usable, 0) as bigint) as valid,
    cast(coalesce(c.absent, 0) as bigint) as missing,
    cast(c.total - coalesce(c.usable, 0) - coalesce(c.absent, 0) as bigint) as invalid,
    cast(${as_of} as timestamptz) as computed_at
from counted as c
