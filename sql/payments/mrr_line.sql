-- description: The audit trail of every MRR figure at the time of the run: payments.mrr_step of the current states.
-- grain: subscription_id, line_no
-- owner: team:revops
-- materialized: view
-- column: subscription_id: The subscription's id at the biller.
-- column: line_no: The order of the steps, from 1.
-- column: kind: plan, addon, coupon, or subscription for what concerns the whole.
-- column: ref: The item price, the coupon or the status.
-- column: step: status, line, refused, fixed_on_line, percentage_on_line, fixed_on_invoice, percentage_on_invoice.
-- column: before: MRR before the step: of the line, or of the whole invoice.
-- column: after: MRR after the step.
-- column: target: The item price a coupon was applied to; null for the whole invoice.
-- column: bundle: seats, ops, hr, comms or other; addons only.
-- column: flag: What was noticed; null when nothing was.
select
    cast(t.subscription_id as text) as subscription_id,
    cast(
        row_number() over (partition by t.subscription_id order by t.line_no asc nulls last) as bigint
    ) as line_no,
    cast(t.kind as text) as kind,
    cast(t.ref as text) as ref,
    cast(t.step as text) as step,
    cast(t.before as decimal(38, 10)) as before,
    cast(t.after as decimal(38, 10)) as after,
    cast(t.target as text) as target,
    cast(t.bundle as text) as bundle,
    cast(t.flag as text) as flag
from payments.mrr_step as t
join payments.subscription_state as s on s.subscription_id = t.subscription_id and s.state_from = t.state_from
where s.is_current
