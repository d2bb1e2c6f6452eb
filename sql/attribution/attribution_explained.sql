-- description: Why a touch won: the identifiers that lead from the company to it, and the touch that came second.
-- grain: company_id, model
-- owner: team:marketing
-- materialized: view
-- column: hop: Steps from the company.
-- column: path: The identifiers from the company to the touch, divided by `>`.
-- column: runner_up_channel: The channel of the touch that came second.
-- column: runner_up_occurred_at: When that one happened.
select
    cast(w.company_id as text) as company_id,
    cast(w.model as text) as model,
    cast(w.touchpoint_id as text) as touchpoint_id,
    cast(w.channel as text) as channel,
    cast(w.occurred_at as timestamptz) as occurred_at,
    cast(a.hop as bigint) as hop,
    cast(
        w.company_id || coalesce(' > ' || d.via_node, '') || coalesce(' > ' || c.via_node, '')
        || coalesce(' > ' || b.via_node, '') || coalesce(' > ' || a.via_node, '') || ' > ' || w.via_node as text
    ) as path,
    cast(w.runner_up_touchpoint_id as text) as runner_up_touchpoint_id,
    cast(r.channel as text) as runner_up_channel,
    cast(r.occurred_at as timestamptz) as runner_up_occurred_at
from attribution.company_attribution as w
left join attribution.company_identity as a on a.company_id = w.company_id and a.node = w.via_node
left join attribution.company_identity as b on b.company_id = w.company_id and b.node = a.via_node
left join attribution.company_identity as c on c.company_id = w.company_id and c.node = b.via_node
left join attribution.company_identity as d on d.company_id = w.company_id and d.node = c.via_node
left join attribution.interaction_touchpoints as r on r.touchpoint_id = w.runner_up_touchpoint_id
where w.touchpoint_id is not null
