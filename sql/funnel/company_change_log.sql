-- description: One row per change of a company's central row. Changes of pulled properties are those of HubSpot's history
--   and events; changes in the product and of payments are those that company_profile_change saw. A change is one row
--   however often it was told; one that only repeats the value is none.
-- grain: change_id
-- owner: team:revops
-- materialized: view
-- check: known_source error: accepted_values(source, 'product', 'hubspot', 'payments', 'funnel')
-- column: change_id: What makes the change one: where it was made, of what, when.
-- column: company_id: The company's id in the product; `hubspot:` and its id there for one the product does not know.
-- column: field: The column of company_profile_meta_data.
-- column: old_value: The value before, as text; null when there was none.
-- column: new_value: The value from then on, as text; null when it was emptied.
-- column: source: Where it was changed: product, hubspot, payments or funnel.
-- column: changed_at: When it was changed there; for payments, when the change was seen.
with pulled as (
    select
        h.company_id as hubspot_company_id,
        h.name,
        nullif(h.value, '') as value,
        h.timestamp as changed_at,
        h.instant_rank,
        row_number() over (
            partition by h.company_id, h.name
            order by h.timestamp asc nulls last, h.instant_rank desc nulls last
        ) as place
    from hubspot.company_property_history as h
    where
        h.name in (
            'sales_account_manager',
            'customer_success_manager',
            'chance_to_close',
            'sales_qualified',
            'sales_status',
            'sales_next_action',
            'cs_notes',
            'cs_what_was_done',
            'churn_notes',
            'churn_reason',
            'chance_to_implement',
            'chance_to_upgrade',
            'chance_to_churn',
            'has_submitted_a_review',
            'target_plan_id',
            'should_delete',
            'stage',
            'white_label',
            'health_status',
            'launch_timestamp',
            'test_run_timestamp',
            'training_done',
            'is_using_sftp',
            'is_using_api',
            'payroll_method_type',
            'payroll_provider_external',
            'payroll_provider_peo',
            'payroll_software'
        )
),

change as (
    select
        'hubspot:' || cast(n.hubspot_company_id as text) || ':' || n.name || ':' || instant_text(n.changed_at)
        || ':' || cast(n.instant_rank as text) as change_id,
        coalesce(l.company_id, 'hubspot:' || cast(n.hubspot_company_id as text)) as company_id,
        n.name as field,
        o.value as old_value,
        n.value as new_value,
        'hubspot' as source,
        n.changed_at
    from pulled as n
    left join pulled as o
        on o.hubspot_company_id = n.hubspot_company_id
        and o.name = n.name
        and o.place = n.place - 1
    left join funnel.hubspot_company_link as l on l.hubspot_company_id = n.hubspot_company_id
    where coalesce(o.value, '') <> coalesce(n.value, '')
    union all
    select s.change_id, s.company_id, s.field, s.old_value, s.new_value, s.source, s.changed_at
    from funnel.company_profile_change as s
)

select
    cast(c.change_id as text) as change_id,
    cast(c.company_id as text) as company_id,
    cast(c.field as text) as field,
    cast(c.old_value as text) as old_value,
    cast(c.new_value as text) as new_value,
    cast(c.source as text) as source,
    cast(c.changed_at as timestamptz) as changed_at
from change as c
