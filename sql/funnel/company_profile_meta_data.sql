-- description: The central row of every company: what the product says of it, its revenue, and the properties that are
--   pulled from HubSpot. A company only HubSpot knows is here too, under `hubspot:` and its id there.
-- grain: company_id
-- owner: team:revops
-- materialized: view
-- check: known_to_somebody error: status is not null or hubspot_company_id is not null
-- column: company_id: The company's id in the product.
-- column: hubspot_company_id: The company's id in HubSpot; null for one it does not have.
-- column: company_name: The company's name; HubSpot's where the product does not know it.
-- column: domain: The company's domain, likewise.
-- column: status: LEAD, TRIAL, DEMO, FREE, PAYING or CHURNED; null for a company the product does not know.
-- column: plan_type: trial, demo, free, sbp, standard or enterprise.
-- column: signup_timestamp: When it signed up.
-- column: num_of_employees_range: How many people it employs.
-- column: first_paid_at: First payment of the current paying streak.
-- column: cs_manager_id: Its customer success manager.
-- column: cs_manager_locked: Whether that manager may not be changed.
-- column: sales_account_manager_id: Its sales manager.
-- column: industry: Its industry; HubSpot's where the product has none.
-- column: country: Its country, likewise.
-- column: current_mrr: The last good MRR after discounts, US dollars.
-- column: effective_mrr: The same with free months spread over the contract.
-- column: arr_range: 0, 1-2000, 2001-8000 or 8001+.
-- column: payments_status: unpaid, past_due, active, trial, cancelled or none.
-- column: cs_stage: cs_sales, cs_sbp, cs_no_touch, cs_onboarding, cs_success or cs_error; null as long as nothing decides
--   on the journey of companies.
-- column: sales_account_manager: Who looks after the company in sales, as HubSpot says.
-- column: customer_success_manager: Who looks after the company in customer success, as HubSpot says.
-- column: chance_to_close: How likely sales thinks a deal is.
-- column: sales_qualified: Whether sales qualified the company.
-- column: sales_status: Where sales stands with the company.
-- column: sales_next_action: What sales does next.
-- column: cs_notes: Notes of customer success.
-- column: cs_what_was_done: What customer success did.
-- column: churn_notes: Notes on why the company left.
-- column: churn_reason: Why the company left.
-- column: chance_to_implement: How likely the company is to implement.
-- column: chance_to_upgrade: How likely it is to upgrade.
-- column: chance_to_churn: How likely it is to leave.
-- column: has_submitted_a_review: Whether it wrote a public review.
-- column: target_plan_id: The plan it is meant to take.
-- column: should_delete: Whether it is to be deleted.
-- column: stage: The stage HubSpot's users gave it.
-- column: white_label: Whether it is a white-label customer: HubSpot's word before the product's.
-- column: health_status: How well it does.
-- column: launch_timestamp: When it went live.
-- column: test_run_timestamp: When its test run was.
-- column: training_done: When or whether its training was done.
-- column: is_using_sftp: Whether it sends files by SFTP.
-- column: is_using_api: Whether it uses the API.
-- column: payroll_method_type: How it does payroll.
-- column: payroll_provider_external: Its external payroll provider.
-- column: payroll_provider_peo: Its professional employer organisation.
-- column: payroll_software: Its payroll software.
-- column: updated_at: When the product or HubSpot last changed the company, whichever was later.
with company as (
    select
        p.company_id,
        l.hubspot_company_id
    from product.company as p
    left join funnel.hubspot_company_link as l on l.company_id = tidy(p.company_id)
    union all
    select
        'hubspot:' || cast(h.id as text) as company_id,
        h.id as hubspot_company_id
    from hubspot.company as h
    where
        not coalesce(h.is_deleted, false)
        and not exists (
            select 1 as found
            from funnel.hubspot_company_link as l
            where l.hubspot_company_id = h.id
        )
)

select
    cast(c.company_id as text) as company_id,
    cast(c.hubspot_company_id as bigint) as hubspot_company_id,
    cast(coalesce(p.company_name, h.property_name) as text) as company_name,
    cast(coalesce(p.domain, h.property_domain) as text) as domain,
    cast(p.status as text) as status,
    cast(p.plan_type as text) as plan_type,
    cast(p.signup_timestamp as timestamptz) as signup_timestamp,
    cast(p.num_of_employees_range as text) as num_of_employees_range,
    cast(p.first_paid_at as timestamptz) as first_paid_at,
    cast(p.cs_manager_id as text) as cs_manager_id,
    cast(p.cs_manager_locked as boolean) as cs_manager_locked,
    cast(p.sales_account_manager_id as text) as sales_account_manager_id,
    cast(coalesce(p.industry, cast(h.property_industry as text)) as text) as industry,
    cast(coalesce(p.country, h.property_country) as text) as country,
    cast(r.current_mrr as decimal(18, 4)) as current_mrr,
    cast(r.effective_mrr as decimal(18, 4)) as effective_mrr,
    cast(r.arr_range as text) as arr_range,
    cast(s.status as text) as payments_status,
    cast(null as text) as cs_stage,
    cast(tidy(cast(h.property_sales_account_manager as text)) as text) as sales_account_manager,
    cast(tidy(cast(h.property_customer_success_manager as text)) as text) as customer_success_manager,
    cast(tidy(cast(h.property_chance_to_close as text)) as text) as chance_to_close,
    cast(tidy(cast(h.property_sales_qualified as text)) as text) as sales_qualified,
    cast(tidy(cast(h.property_sales_status as text)) as text) as sales_status,
    cast(tidy(cast(h.property_sales_next_action as text)) as text) as sales_next_action,
    cast(tidy(cast(h.property_cs_notes as text)) as text) as cs_notes,
    cast(tidy(cast(h.property_cs_what_was_done as text)) as text) as cs_what_was_done,
    cast(tidy(cast(h.property_churn_notes as text)) as text) as churn_notes,
    cast(tidy(cast(h.property_churn_reason as text)) as text) as churn_reason,
    cast(tidy(cast(h.property_chance_to_implement as text)) as text) as chance_to_implement,
    cast(tidy(cast(h.property_chance_to_upgrade as text)) as text) as chance_to_upgrade,
    cast(tidy(cast(h.property_chance_to_churn as text)) as text) as chance_to_churn,
    cast(yes_no(cast(h.property_has_submitted_a_review as text)) as boolean) as has_submitted_a_review,
    cast(tidy(cast(h.property_target_plan_id as text)) as text) as target_plan_id,
    cast(yes_no(cast(h.property_should_delete as text)) as boolean) as should_delete,
    cast(tidy(cast(h.property_stage as text)) as text) as stage,
    cast(coalesce(yes_no(cast(h.property_white_label as text)), p.white_label) as boolean) as white_label,
    cast(tidy(cast(h.property_health_status as text)) as text) as health_status,
    cast(h.property_launch_timestamp as timestamptz) as launch_timestamp,
    cast(h.property_test_run_timestamp as timestamptz) as test_run_timestamp,
    cast(tidy(cast(h.property_training_done as text)) as text) as training_done,
    cast(yes_no(cast(h.property_is_using_sftp as text)) as boolean) as is_using_sftp,
    cast(yes_no(cast(h.property_is_using_api as text)) as boolean) as is_using_api,
    cast(tidy(cast(h.property_payroll_method_type as text)) as text) as payroll_method_type,
    cast(tidy(cast(h.property_payroll_provider_external as text)) as text) as payroll_provider_external,
    cast(tidy(cast(h.property_payroll_provider_peo as text)) as text) as payroll_provider_peo,
    cast(tidy(cast(h.property_payroll_software as text)) as text) as payroll_software,
    cast(
        case
            when p.updated_at is null then h.updated_at
            when h.updated_at > p.updated_at then h.updated_at
            else p.updated_at
        end as timestamptz
    ) as updated_at
from company as c
left join product.company as p on p.company_id = c.company_id
left join hubspot.company as h on h.id = c.hubspot_company_id
left join payments.company_profile_arr_range as r on r.company_id = c.company_id
left join payments.company_payments_status as s on s.company_id = c.company_id
