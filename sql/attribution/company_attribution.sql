-- description: The touch that won for each company, once for each rule: the oldest, the newest and the oldest of the 28
--   days before the sign-up. The three tables named company_profile_attribution are its rows of one rule.
-- grain: company_id, model
-- owner: team:marketing
-- partition: computed_at
-- identifiers: company_id, touchpoint_id, client_id, email, via_node, gclid, runner_up_touchpoint_id,
--   first_non_direct_touchpoint_id, last_non_direct_touchpoint_id
-- check: model_known error: accepted_values(model, 'first', 'last', 'first_limited')
-- check: status_known error: accepted_values(status, 'attributed', 'no_touchpoints')
-- check: touch_before_anchor error: occurred_at is null or occurred_at <= anchor
-- column: company_id: The company.
-- column: model: first, last or first_limited.
-- column: status: attributed, or no_touchpoints.
-- column: touchpoint_id: The touch that won; null without one.
-- column: channel: Its channel; unknown without a touch.
-- column: occurred_at: When it happened.
-- column: campaign: utm_campaign.
-- column: source: utm_source.
-- column: medium: utm_medium.
-- column: term: utm_term.
-- column: content: utm_content.
-- column: gclid: Google's click id.
-- column: wbraid: Google's click id, iOS app to web.
-- column: gbraid: Google's click id, iOS web to app.
-- column: fbclid: Meta's click id.
-- column: fbp: Meta's browser id; says nothing of a channel.
-- column: msclkid: Microsoft's click id.
-- column: li_fat_id: LinkedIn's click id.
-- column: client_id: The browser of the touch.
-- column: email: The e-mail address of the touch.
-- column: hop: Steps from the company to the identifier that brought the touch in.
-- column: via_node: That identifier.
-- column: runner_up_touchpoint_id: The touch that would have won without this one.
-- column: first_non_direct_touchpoint_id: The oldest touch that is not direct traffic; null when there is none.
-- column: last_non_direct_touchpoint_id: The newest such touch.
-- column: n_touchpoints: Touches that count.
-- column: n_clients: Browsers found.
-- column: n_emails: E-mail addresses found.
-- column: max_hop: The most steps an identifier took.
-- column: cycle_detected: Some identifier can be reached in two ways; no error.
-- column: hop_limit_reached: There are identifiers beyond the fifth step.
-- column: anchor: The sign-up, else the time of the run; later touches do not count.
-- column: computed_at: When the table was computed.
-- column: run_number: 0, or 1 or 2 when the newest run for this company was a delayed one.
with winner as (
    select
        s.company_id,
        m.model,
        case m.model
            when 'first' then s.first_touchpoint_id
            when 'last' then s.last_touchpoint_id
            else s.limited_touchpoint_id
        end as touchpoint_id,
        case m.model
            when 'first' then s.first_runner_up_id
            when 'last' then s.last_runner_up_id
            else s.limited_runner_up_id
        end as runner_up_id,
        s.first_non_direct_touchpoint_id,
        s.last_non_direct_touchpoint_id,
        s.n_touchpoints,
        s.n_clients,
        s.n_emails,
        s.max_hop,
        s.cycle_detected,
        s.hop_limit_reached,
        s.anchor,
        s.computed_at,
        s.run_number
    from attribution.company_summary as s
    cross join (values ('first'), ('last'), ('first_limited')) as m (model)
)

select
    cast(w.company_id as text) as company_id,
    cast(w.model as text) as model,
    cast(case when i.touchpoint_id is null then 'no_touchpoints' else 'attributed' end as text) as status,
    cast(i.touchpoint_id as text) as touchpoint_id,
    cast(coalesce(i.channel, 'unknown') as text) as channel,
    cast(i.occurred_at as timestamptz) as occurred_at,
    cast(t.campaign as text) as campaign,
    cast(t.source as text) as source,
    cast(t.medium as text) as medium,
    cast(t.term as text) as term,
    cast(t.content as text) as content,
    cast(t.gclid as text) as gclid,
    cast(t.wbraid as text) as wbraid,
    cast(t.gbraid as text) as gbraid,
    cast(t.fbclid as text) as fbclid,
    cast(t.fbp as text) as fbp,
    cast(t.msclkid as text) as msclkid,
    cast(t.li_fat_id as text) as li_fat_id,
    cast(t.client_id as text) as client_id,
    cast(t.email as text) as email,
    cast(i.hop as bigint) as hop,
    cast(i.via_node as text) as via_node,
    cast(w.runner_up_id as text) as runner_up_touchpoint_id,
    cast(w.first_non_direct_touchpoint_id as text) as first_non_direct_touchpoint_id,
    cast(w.last_non_direct_touchpoint_id as text) as last_non_direct_touchpoint_id,
    cast(w.n_touchpoints as bigint) as n_touchpoints,
    cast(w.n_clients as bigint) as n_clients,
    cast(w.n_emails as bigint) as n_emails,
    cast(w.max_hop as bigint) as max_hop,
    cast(w.cycle_detected as boolean) as cycle_detected,
    cast(w.hop_limit_reached as boolean) as hop_limit_reached,
    cast(w.anchor as timestamptz) as anchor,
    cast(w.computed_at as timestamptz) as computed_at,
    cast(w.run_number as bigint) as run_number
from winner as w
left join attribution.company_interactions as i on i.company_id = w.company_id and i.touchpoint_id = w.touchpoint_id
left join attribution.interaction_touchpoints as t on t.touchpoint_id = w.touchpoint_id
