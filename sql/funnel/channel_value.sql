-- description: What each channel brought: the value of every company won, shared out among the touches before its sign-up
--   by each rule of multi_touch_credit. MRR and deals stand apart, since deals have their own currencies.
-- grain: channel, source
-- owner: team:marketing
-- check: brings_something error: linear >= 0 and position_based >= 0 and time_decay >= 0
-- column: channel: The marketing channel.
-- column: source: mrr for companies worth their first MRR, in US dollars; deal for those worth their first won deal.
-- column: companies: Companies of the source with a touch of the channel.
-- column: linear: Value by equal shares.
-- column: position_based: Value with 0.4 each for the first and the last touch.
-- column: time_decay: Value by shares that halve with every 7 days before the sign-up.
select
    cast(m.channel as text) as channel,
    cast(v.source as text) as source,
    cast(count(distinct m.company_id) as bigint) as companies,
    cast(cents(sum(portion(m.linear, v.value, 1))) as decimal(18, 4)) as linear,
    cast(cents(sum(portion(m.position_based, v.value, 1))) as decimal(18, 4)) as position_based,
    cast(cents(sum(portion(m.time_decay, v.value, 1))) as decimal(18, 4)) as time_decay
from attribution.multi_touch_credit as m
join funnel.company_value as v on v.company_id = m.company_id
group by m.channel, v.source
