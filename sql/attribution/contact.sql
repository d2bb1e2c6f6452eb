-- description: Everybody whose e-mail address the product knows: the addresses of users, leads, mobile sign-ups and links,
--   also those that are no e-mail address.
-- grain: email
-- owner: team:marketing
-- materialized: view
-- column: email: The address as people compare it, trimmed and in lower case.
-- column: usable_email: The same; null when it is no e-mail address.
-- column: created_at: When the first user of the address was created; null without one.
with given as (
    select u.email from product.user_profile as u
    union
    select l.email from product.lead as l
    union
    select m.email from product.mobile_signup as m
    union
    select c.email from product.company_to_email as c
    union
    select e.email from product.email_to_client_id as e
),

known as (
    select distinct
        lower(tidy(g.email)) as email,
        intake_email_of(g.email) as usable_email
    from given as g
    where tidy(g.email) is not null
),

created as (
    select
        lower(tidy(u.email)) as email,
        min(u.created_at) as created_at
    from product.user_profile as u
    group by lower(tidy(u.email))
)

select
    cast(k.email as text) as email,
    cast(k.usable_email as text) as usable_email,
    cast(c.created_at as timestamptz) as created_at
from known as k
left join created as c on c.email = k.email
