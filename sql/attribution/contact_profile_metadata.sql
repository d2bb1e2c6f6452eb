-- description: The central row of each contact: the newest of its users, else what links tell.
-- grain: email
-- owner: team:marketing
-- partition: computed_at
-- column: email: The contact, trimmed and in lower case.
-- column: user_id: The user; the one changed last when several have the address.
-- column: company_id: The user's company, else the company the address was last linked to or signed up for.
-- column: hubspot_contact_id: The contact's id in HubSpot, as the product knows it.
-- column: first_name: The user's first name.
-- column: last_name: The user's last name.
-- column: updated_at: When anything here last changed.
-- column: computed_at: When the table was computed.
with profile as (
    select
        lower(tidy(u.email)) as email,
        u.user_id,
        u.company_id,
        u.hubspot_contact_id,
        u.first_name,
        u.last_name,
        u.updated_at,
        row_number() over (
            partition by lower(tidy(u.email))
            order by u.updated_at desc nulls last, byte_order(u.user_id) asc nulls last
        ) as place
    from product.user_profile as u
),

sign as (
    select lower(tidy(c.email)) as email, c.company_id, c.linked_at as seen_at
    from product.company_to_email as c
    union all
    select lower(tidy(m.email)) as email, m.company_id, m.occurred_at as seen_at
    from product.mobile_signup as m
    union all
    select lower(tidy(l.email)) as email, cast(null as text) as company_id, l.submitted_at as seen_at
    from product.lead as l
    union all
    select lower(tidy(e.email)) as email, cast(null as text) as company_id, e.linked_at as seen_at
    from product.email_to_client_id as e
),

linked as (
    select
        s.email,
        s.company_id,
        row_number() over (
            partition by s.email
            order by s.seen_at desc nulls last, byte_order(s.company_id) asc nulls last
        ) as place
    from sign as s
    where s.company_id is not null
),

seen as (
    select
        s.email,
        max(s.seen_at) as seen_at
    from sign as s
    group by s.email
)

select
    cast(c.email as text) as email,
    cast(p.user_id as text) as user_id,
    cast(coalesce(p.company_id, l.company_id) as text) as company_id,
    cast(p.hubspot_contact_id as text) as hubspot_contact_id,
    cast(p.first_name as text) as first_name,
    cast(p.last_name as text) as last_name,
    cast(c.created_at as timestamptz) as created_at,
    cast(
        case when p.updated_at >= s.seen_at then p.updated_at else coalesce(s.seen_at, p.updated_at) end as timestamptz
    ) as updated_at,
    cast(${as_of} as timestamptz) as computed_at
from attribution.contact as c
left join profile as p on p.email = c.email and p.place = 1
left join linked as l on l.email = c.email and l.place = 1
left join seen as s on s.email = c.email
