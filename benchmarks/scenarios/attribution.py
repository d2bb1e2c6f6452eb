"""Attribution of a million companies: every table from landed sessions and leads to shared credit, on two cores.

The identity graph is skewed: most companies keep to themselves, some share browsers with many others, and the busiest
browsers are hubs that are not walked through.
"""

from benchmarks import children
from benchmarks.bench import Bench
from benchmarks.results import Line, Outcome
from benchmarks.scale import FULL
from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.warehouse import Session, open_warehouse

TOUCHES = {True: (1_000_000, 3_000_000, 10_000_000), False: (20_000, 60_000)}
MEMORY = "6500MB"
_TARGET_SECONDS, _TARGET_MEBI = 120, 8 * 1024
_FROM_TOUCHPOINTS = (
    "company_identity", "company_interactions", "company_path", "company_summary", "company_attribution",
    "company_profile_attribution", "company_profile_attribution_last", "company_profile_attribution_first_limited",
)  # fmt: skip
_TABLES = (
    "company", "user_profile", "session", "lead", "mobile_signup", "company_to_client_id", "company_to_email",
    "email_to_client_id", "interaction_touchpoint",
)  # fmt: skip


def attribution(bench: Bench) -> Outcome:
    """Build every attribution table of growing numbers of touches, once each; ten touches a company."""
    judged = bench.scale is FULL
    outcome = Outcome()
    for touches in TOUCHES[judged]:
        with bench.home() as home:
            url = f"duckdb:///{home / 'warehouse.duckdb'}"
            bench.say(f"making {touches:,} touches of {touches // 10:,} companies")
            with open_warehouse(url, memory_limit=MEMORY).writer() as session:
                fill(session, touches, bench.seed)
            bench.say("building attribution")
            environment = children.environment_for({}, home / "compiled")
            measured = children.run([url, MEMORY], environment, home / "run", module="benchmarks.attribute")
        took = measured.document["seconds"]
        seconds = sum(took[model] for model in _FROM_TOUCHPOINTS)
        rows = measured.document["rows"]
        is_largest = judged and touches == max(TOUCHES[True])
        name = f"{touches:,} touches"
        outcome.lines += [
            Line(
                "attribution",
                f"{name}: seconds from touchpoints to the three company tables",
                f"{seconds:.1f}",
                f"< {_TARGET_SECONDS}",
                seconds < _TARGET_SECONDS if is_largest else None,
            ),
            Line(
                "attribution",
                f"{name}: seconds with reading sessions, contacts and credit",
                f"{sum(took.values()):.1f}",
            ),
            Line(
                "attribution",
                f"{name}: peak RSS MiB",
                f"{measured.peak_rss:,.0f}",
                f"< {_TARGET_MEBI:,}",
                measured.peak_rss < _TARGET_MEBI if is_largest else None,
            ),
            Line(
                "attribution",
                f"{name}: identifiers, interactions",
                f"{rows['company_identity']:,}, {rows['company_interactions']:,}",
            ),
        ]
        outcome.samples[str(touches)] = {**measured.as_json(), **measured.document}
    return outcome


def fill(session: Session, touches: int, seed: int) -> None:
    """Fill the landed tables, the same rows for the same seed: nine touches in ten are sessions, one is a lead."""
    for name in _TABLES:
        session.ensure(CATALOGUE[f"product.{name}"].table)
    companies = touches // 10
    session.execute(
        f"create or replace temp macro chance(i, salt) as (hash(i, salt, {seed}) % 1000000007) / 1000000007.0"
    )
    session.execute(
        "create or replace temp macro browser(n) as format('{:08x}-0000-4000-8000-{:012x}', n % 4294967296, n)"
    )
    session.execute(
        "create or replace temp macro moment(i, salt) as "
        "timestamptz '2025-06-01 00:00:00+00' + to_seconds(cast(floor(chance(i, salt) * 31000000) as bigint))"
    )
    for statement in _FILL:
        session.execute(statement.format(touches=touches, companies=companies, shared=max(companies // 50, 10)))
    session.execute("checkpoint")


# Browsers below `shared` belong to nobody in particular; a company's own follow, four each.
_FILL = (
    """insert into product.company (company_id, company_name, status, signup_timestamp, cs_manager_locked, plan_type,
        first_paid_at, created_at, updated_at)
    select 'c' || i, 'c' || i, 'FREE', case when chance(i, 1) < 0.9 then moment(i, 2) end, false, 'free',
        case when chance(i, 3) < 0.2 then moment(i, 2) end, moment(i, 2), moment(i, 2)
    from range({companies}) as t(i)""",
    """insert into product.company_to_client_id
    select 'c' || (i // 2), browser({shared} + (i // 2) * 4 + i % 2), moment(i, 4)
    from range({companies} * 2) as t(i)""",
    """insert into product.company_to_email
    select 'c' || i, 'e' || i || '@x.test', moment(i, 5) from range({companies}) as t(i)""",
    """insert into product.email_to_client_id
    select 'e' || (i // 3) || '@x.test', browser({shared} + (i // 3) * 4 + 1 + i % 3), moment(i, 6)
    from range({companies} * 3) as t(i)""",
    """insert into product.email_to_client_id
    select 'e' || i || '@x.test', browser(cast(floor(pow(chance(i, 8), 3) * {shared}) as bigint)), moment(i, 7)
    from range({companies}) as t(i) where chance(i, 9) < 0.05""",
    """insert into product.session (session_id, ingested_at, client_id, started_at, landing_url, referrer, utm_source,
        utm_medium, utm_campaign, gclid, country)
    select browser(i + 1000000000000), moment(i, 11),
        browser(case when chance(i, 12) < 0.02 then cast(floor(pow(chance(i, 13), 3) * {shared}) as bigint)
            else {shared} + cast(floor(pow(chance(i, 14), 1.3) * {companies} * 4) as bigint) end),
        moment(i, 11), 'https://www.acme.example/pricing?x=' || i,
        case when chance(i, 15) < 0.4 then 'https://www.google.de/' when chance(i, 15) < 0.5 then 'https://t.co/x' end,
        case when chance(i, 16) < 0.3 then 'google' end, case when chance(i, 16) < 0.3 then 'cpc' end,
        case when chance(i, 16) < 0.3 then 'dach_brand_search' end,
        case when chance(i, 16) < 0.3 then 'Cj0KCQjw' || lpad(cast(i as varchar), 24, '0') end, 'DE'
    from range({touches} - {companies}) as t(i)""",
    """insert into product.lead (lead_id, submitted_at, email, client_id, form_name, page_url)
    select 'l' || i, moment(i, 21), 'e' || cast(floor(pow(chance(i, 22), 1.3) * {companies}) as bigint) || '@x.test',
        case when chance(i, 23) < 0.5
            then browser({shared} + cast(floor(chance(i, 24) * {companies} * 4) as bigint)) end,
        'demo', 'https://www.acme.example/demo?utm_source=newsletter&utm_medium=email'
    from range({companies}) as t(i)""",
)
