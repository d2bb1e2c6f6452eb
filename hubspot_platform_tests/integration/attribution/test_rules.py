"""Every rule and example of attribution, on one prepared warehouse of each engine."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.sql_models import render
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.store import sql_folder
from hubspot_platform.warehouse import open_warehouse
from hubspot_platform_tests.integration.attribution.prepared import (
    BY_UTM,
    CHANNELS,
    CLICKED,
    LANDED,
    MSCLKID,
    TEMPLATES,
    Prepared,
    prepare,
    session_at,
    touchpoint_of,
)
from hubspot_platform_tests.support import postgres
from hubspot_platform_tests.support.attribution import AS_OF, OWN, at, attribution_models, client, rows_of


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder: Path = tmp_path_factory.mktemp("attribution")
    return prepare(open_warehouse(f"duckdb:///{folder / 'warehouse.duckdb'}"))


@pytest.fixture(scope="module")
def server(postgres_server: str) -> Iterator[Prepared]:
    with postgres.database(postgres_server) as url:
        yield prepare(open_warehouse(url))


@pytest.mark.postgres
def test_both_engines_hold_the_same_rows_in_every_table(embedded: Prepared, server: Prepared) -> None:
    for name, rows in embedded.tables.items():
        assert rows == server.tables[name], name
        assert rows or name == "attribution_run"


def test_a_visit_gets_the_channel_of_the_first_rule_that_fits(embedded: Prepared) -> None:
    found = {row["visit_id"]: row["channel"] for row in embedded.tables["visits"]}
    wrong = [
        (given, channel, found[client(session_at(number))])
        for number, (given, channel) in enumerate(CHANNELS)
        if found[client(session_at(number))] != channel
    ]
    assert wrong == []


def test_a_session_without_usable_ids_is_kept_apart_with_the_reason(embedded: Prepared) -> None:
    found = {row["session_id"]: row["reason"] for row in embedded.tables["rejected_session"]}

    assert found == {client(1): "bad_client_id", "x": "bad_session_id"}
    (row,) = embedded.all("rejected_session", session_id="x")
    assert set(json.loads(row["row_json"])) == set(CATALOGUE["product.session"].table.column_names)


def test_a_session_landed_twice_in_two_spellings_is_one_visit_of_the_last_ingested(embedded: Prepared) -> None:
    visit = embedded.one("visits", visit_id=client(0xAB))

    assert visit["client_id"] == client(0xABC)
    assert visit["occurred_at"] == at("2026-01-02")


def test_a_touch_is_refused_for_the_first_reason_that_applies(embedded: Prepared) -> None:
    found = {row["touchpoint_id"]: row["reason"] for row in embedded.tables["rejected_touchpoint"]}

    assert found == {
        "bad-time": "bad_timestamp",
        "future": "future",
        "too-old": "too_old",
        "bad-client": "bad_client_id",
        "bad-email": "bad_email",
        touchpoint_of("lead", "L3"): "bad_email",
        "nobody": "no_identity",
    }
    kept = {row["touchpoint_id"] for row in embedded.tables["interaction_touchpoints"]}
    assert kept >= {"almost-future", "old"}
    whole = set(embedded.tables["interaction_touchpoints"][0]) - {"channel_flagged"}
    (row,) = embedded.all("rejected_touchpoint", touchpoint_id="nobody")
    assert set(json.loads(row["row_json"])) == whole


def test_a_channel_nobody_knows_becomes_other_and_is_flagged(embedded: Prepared) -> None:
    odd, own = (embedded.one("interaction_touchpoints", touchpoint_id=f"{name}-channel") for name in ("odd", "own"))

    assert (odd["channel"], odd["channel_flagged"]) == ("other", True)
    assert (own["channel"], own["channel_flagged"]) == ("cpc-google-brand", False)


def test_a_touch_of_any_source_keeps_its_campaign_and_usable_click_ids_as_they_were_sent(embedded: Prepared) -> None:
    visits = [given for given, _ in CHANNELS]
    for landed, expected, *keys in (
        (LANDED, CLICKED | BY_UTM, "own-channel", "L4", "M4"),
        (TEMPLATES, dict.fromkeys(CLICKED | BY_UTM), "odd-channel", "L5", "M5"),
    ):
        for key in (client(session_at(visits.index(landed))), *keys):
            row = embedded.one("interaction_touchpoints", source_id=key)
            assert {name: row[name] for name in expected} == expected, key


def test_each_visit_lead_and_signup_is_one_touch_whose_id_its_source_decides(embedded: Prepared) -> None:
    found = {row["touchpoint_id"]: row for row in embedded.tables["interaction_touchpoints"]}

    assert found[touchpoint_of("visit", client(session_at(0)))]["client_id"] == client(9_000)
    lead, signup = found[touchpoint_of("lead", "L1")], found[touchpoint_of("mobile_signup", "M3")]
    assert (lead["client_id"], lead["email"]) == (None, "lead@x.test")
    assert found[touchpoint_of("lead", "L2")]["client_id"] == client(9_002)
    assert (signup["client_id"], signup["email"]) == (client(9_004), "phone@x.test")
    of_visits = [row for row in found.values() if row["source_type"] == "visit"]
    assert len(of_visits) == len(embedded.tables["visits"]) - 1  # one of them was ingested again by another system


def test_of_several_rows_with_one_id_the_last_ingested_wins(embedded: Prepared) -> None:
    found = [embedded.one("interaction_touchpoints", touchpoint_id=touchpoint_of("visit", client(n))) for n in (2, 3)]

    assert [row["source_type"] for row in found] == ["external", "visit"]
    assert [row["occurred_at"] for row in found] == [at("2026-01-02"), at("2026-01-01")]


def test_leads_and_mobile_signups_are_classified_by_their_query(embedded: Prepared) -> None:
    found = {row["source_id"]: row["channel"] for row in embedded.tables["interaction_touchpoints"]}

    assert [found[key] for key in ("L1", "L2", "M1", "M2")] == ["cpc-bing", "direct", "cpc-google-brand", "direct"]
    assert [found[key] for key in ("L4", "L5", "M4", "M5")] == ["cpc-google", "direct", "cpc-google", "direct"]


def test_an_identifier_that_is_none_is_counted_by_platform_and_ignored(embedded: Prepared) -> None:
    found = {row["identifier"]: (row["platform"], row["invalid"]) for row in embedded.tables["identifier_quality"]}
    assert found == {
        "gclid": ("google", 3), "wbraid": ("google", 1), "gbraid": ("google", 2), "fbclid": ("meta", 1),
        "fbp": ("meta", 1), "msclkid": ("microsoft", 2), "li_fat_id": ("linkedin", 2),
    }  # fmt: skip
    for row in embedded.tables["identifier_quality"]:
        given_at_all = sum(bool(given.get(row["identifier"], "").strip()) for given, _ in CHANNELS)
        assert row["valid"] + row["invalid"] == given_at_all
        assert row["missing"] == len(embedded.tables["visits"]) - given_at_all
    template = client(session_at([given.get("gclid") for given, _ in CHANNELS].index("{gclid}")))
    assert embedded.one("visits", visit_id=template)["gclid"] == "{gclid}"
    assert embedded.one("interaction_touchpoints", source_id=template)["gclid"] is None
    cookie = client(session_at([given.get("msclkid") for given, _ in CHANNELS].index(f"_uet{MSCLKID}")))
    assert embedded.one("interaction_touchpoints", source_id=cookie)["msclkid"] == MSCLKID


def hops(prepared: Prepared, company_id: str) -> dict[str, int]:
    return {row["node"]: row["hop"] for row in prepared.all("company_identity", company_id=company_id)}


def summary(prepared: Prepared, company_id: str) -> tuple[bool, bool, int, int, int]:
    """What all three results of a company say of its identifiers, the browsers and addresses counted last."""
    names = ("cycle_detected", "hop_limit_reached", "max_hop", "n_clients", "n_emails")
    rows = [prepared.one(table, company_id=company_id) for table in ("company_summary", *RESULTS)]
    (found,) = {tuple(row[name] for name in names) for row in rows}
    return found


def test_the_fifth_hop_is_inside(embedded: Prepared) -> None:
    assert hops(embedded, "chain") == {
        client(11): 1, "e11@x.test": 2, client(12): 3, "e12@x.test": 4, client(13): 5,
    }  # fmt: skip
    assert summary(embedded, "chain") == (False, False, 5, 3, 2)


def test_the_sixth_hop_is_outside_and_said(embedded: Prepared) -> None:
    assert hops(embedded, "long") == {
        "e21@x.test": 1, client(21): 2, "e22@x.test": 3, client(22): 4, "e23@x.test": 5,
    }  # fmt: skip
    assert summary(embedded, "long") == (False, True, 5, 2, 3)


def test_reaching_the_limit_and_hubs_warn_on_the_tables_checks(embedded: Prepared) -> None:
    def violations(table: str) -> dict[str, int]:
        return {found.check.name: found.violations for found in embedded.outcomes[table].checks}

    assert violations("company_identity")["hop_limit_reached"] == 1
    assert violations("company_identity")["not_a_hub"] == 3
    assert {violations(table)["hop_limit_not_reached"] for table in RESULTS} == {1}
    assert violations("shared_identifier")["not_shared"] == 5


def test_a_cycle_of_four_is_found_within_three_hops(embedded: Prepared) -> None:
    assert sorted(hops(embedded, "square").values()) == [1, 2, 2, 3]
    assert summary(embedded, "square") == (True, False, 3, 2, 2)


def test_a_triangle_through_the_company_is_a_cycle(embedded: Prepared) -> None:
    assert summary(embedded, "triangle") == (True, False, 1, 1, 1)


def test_duplicate_rows_in_other_spellings_are_one_edge_and_no_cycle(embedded: Prepared) -> None:
    assert hops(embedded, "twice") == {client(61): 1, "e61@x.test": 1, client(62): 2}
    assert summary(embedded, "twice") == (False, False, 2, 2, 1)


def test_a_hub_is_kept_but_not_walked_through(embedded: Prepared) -> None:
    found = hops(embedded, "hub")

    assert sum(hop == 2 for hop in found.values()) == 200
    assert all(not node.startswith("kiosk") for node in found)
    hubs = [row["node"] for row in embedded.all("company_identity", company_id="hub", is_hub=True)]
    assert sorted(hubs) == [client(51), "catch-all@x.test"]


def test_how_many_neighbours_make_a_hub_is_configured(embedded: Prepared) -> None:
    text = (sql_folder() / "attribution/company_identity.sql").read_text()
    for limit, reached in ((1, 2), (2, 5)):  # the first address of the chain has two browsers
        select = render.at(render.render(text, OWN.model_copy(update={"hub_neighbours": limit}), "text"), AS_OF)
        with embedded.warehouse.writer() as session:
            rows = session.query(f"select * from ({select}) as i where i.company_id = 'chain'").to_pylist()
        assert len(rows) == reached


def test_the_recursive_form_gives_the_same_identities(embedded: Prepared) -> None:
    recursive = """
        with recursive clean as (
            select distinct email_of(email) as email, uuid_of(client_id) as client_id from product.email_to_client_id
            where email_of(email) is not null and uuid_of(client_id) is not null),
        edge as (select email as node, client_id as neighbour from clean union all select client_id, email from clean),
        way as (select * from edge where node not in (select node from edge group by node having count(*) > 200)),
        walk as (
            select company_id, uuid_of(client_id) as node, 1 as hop from product.company_to_client_id
                where uuid_of(client_id) is not null
            union select company_id, email_of(email), 1 from product.company_to_email where email_of(email) is not null
            union select w.company_id, e.neighbour, w.hop + 1 from walk w join way e on e.node = w.node where w.hop < 5)
        select company_id, node, min(hop) as hop from walk group by 1, 2"""
    with embedded.warehouse.writer() as session:
        walked = session.query(recursive).to_pylist()

    expected = {(row["company_id"], row["node"], row["hop"]) for row in walked}
    rows = embedded.tables["company_identity"]
    assert {(row["company_id"], row["node"], row["hop"]) for row in rows} == expected
    assert len(rows) == len(walked)


def test_a_touch_of_a_shared_browser_counts_for_all_and_each_is_listed_with_the_next(embedded: Prepared) -> None:
    """Whoever finds it, in however many steps."""
    assert len(embedded.all("company_interactions", touchpoint_id="shared")) == 3
    names = ("company_id", "other_company_id", "node", "hop", "other_hop", "companies")
    assert sorted(tuple(row[name] for name in names) for row in embedded.tables["shared_identifier"]) == [
        ("hub", "second-hub", client(51), 1, 1, 2),
        ("second-sharer", "sharer", client(71), 1, 1, 3),
        ("second-sharer", "sharer", "e71@x.test", 2, 2, 3),
        ("sharer", "third-sharer", client(71), 1, 2, 3),
        ("sharer", "third-sharer", "e71@x.test", 2, 1, 3),
    ]


RESULTS = (
    "company_profile_attribution",
    "company_profile_attribution_first_limited",
    "company_profile_attribution_last",
)


def results(prepared: Prepared, company_id: str) -> list[str | None]:
    return [prepared.one(table, company_id=company_id)["touchpoint_id"] for table in RESULTS]


def test_the_worked_example(embedded: Prepared) -> None:
    assert results(embedded, "worked") == ["worked-T1", "worked-T2", "worked-T4"]
    row = embedded.one(RESULTS[0], company_id="worked")
    assert row["first_non_direct_touchpoint_id"] == "worked-T2"
    assert row["last_non_direct_touchpoint_id"] == "worked-T3"
    assert row["n_touchpoints"] == 4
    assert len(embedded.all("company_interactions", company_id="worked")) == 5
    contact = embedded.one("contact_profile_attribution_first", email="worked@x.test")
    assert (contact["touchpoint_id"], contact["channel"], contact["n_touchpoints"]) == ("worked-T1", "direct", 4)
    assert contact["first_non_direct_touchpoint_id"] == "worked-T2"
    assert contact["last_non_direct_touchpoint_id"] == "worked-T3"


def test_a_result_tells_of_the_touch_that_won_and_of_no_other(embedded: Prepared) -> None:
    rows = [embedded.one(table, company_id="worked") for table in RESULTS]
    told, nothing = CLICKED | BY_UTM, dict.fromkeys(CLICKED | BY_UTM)

    assert [row["channel"] for row in rows] == ["direct", "cpc-google", "direct"]
    assert [row["occurred_at"] for row in rows] == [at("2026-01-10"), at("2026-03-01"), at("2026-03-28")]
    assert {(row["client_id"], row["email"], row["via_node"]) for row in rows} == {(client(81), None, client(81))}
    assert [{name: row[name] for name in told} for row in rows] == [nothing, told, nothing]
    touch = embedded.one("company_interactions", company_id="worked", touchpoint_id="worked-T2")
    assert {name: touch[name] for name in ("campaign", *CLICKED)} == {"campaign": "spring"} | CLICKED


def test_a_second_more_than_28_days_is_outside(embedded: Prepared) -> None:
    assert results(embedded, "shifted") == ["shifted-T1", "shifted-T3", "shifted-T4"]


def test_without_a_touch_in_the_28_days_the_row_has_a_null_touch(embedded: Prepared) -> None:
    assert results(embedded, "long-ago") == ["long-ago", None, "long-ago"]
    row = embedded.one(RESULTS[1], company_id="long-ago")
    assert (row["status"], row["channel"], row["n_touchpoints"]) == ("no_touchpoints", "unknown", 1)


def test_at_one_instant_direct_comes_last_then_the_smaller_id_in_byte_order(embedded: Prepared) -> None:
    assert results(embedded, "ties") == ["tie-C", "tie-C", "tie-C"]
    assert {embedded.one(t, company_id="ties")["runner_up_touchpoint_id"] for t in RESULTS} == {"tie-b"}
    contact = embedded.one("contact_profile_attribution_first", email="ties@x.test")  # created at that very instant
    assert (contact["touchpoint_id"], contact["runner_up_touchpoint_id"]) == ("tie-C", "tie-b")
    assert (contact["last_non_direct_touchpoint_id"], contact["n_touchpoints"]) == ("tie-C", 3)


def test_a_company_without_touches_has_a_row_that_says_so(embedded: Prepared) -> None:
    for table in RESULTS:
        row = embedded.one(table, company_id="alone")
        assert (row["status"], row["channel"], row["touchpoint_id"]) == ("no_touchpoints", "unknown", None)


def test_without_sign_up_the_run_is_the_anchor_and_a_touch_exactly_then_counts_once(embedded: Prepared) -> None:
    row = embedded.one(RESULTS[2], company_id="unsigned")

    assert (row["anchor"], row["touchpoint_id"], row["n_touchpoints"]) == (AS_OF, "both", 1)
    assert (row["hop"], row["via_node"]) == (1, "u@x.test")
    assert (row["client_id"], row["email"]) == (client(84), "u@x.test")
    assert row["first_non_direct_touchpoint_id"] is None
    assert row["computed_at"] == AS_OF


def test_why_a_touch_won_can_be_read(embedded: Prepared) -> None:
    row = embedded.one("attribution_explained", company_id="worked", model="first")

    assert row["path"] == f"worked > {client(81)}"
    assert (row["runner_up_touchpoint_id"], row["runner_up_channel"]) == ("worked-T2", "cpc-google")


def test_a_contact_has_its_own_browsers_but_not_a_colleagues(embedded: Prepared) -> None:
    row = embedded.one("contact_profile_attribution_first", email="person@x.test")

    assert (row["status"], row["touchpoint_id"], row["via_node"]) == ("attributed", "person-browser", client(91))
    assert (row["n_touchpoints"], row["anchor"]) == (2, at("2026-02-01"))
    assert (row["n_clients"], row["n_emails"], row["max_hop"]) == (2, 1, 1)
    assert (row["occurred_at"], row["client_id"], row["touch_email"]) == (at("2026-01-10"), client(91), None)
    assert {name: row[name] for name in CLICKED | BY_UTM} == CLICKED | BY_UTM
    found = {touch["touchpoint_id"]: touch for touch in embedded.all("contact_interactions", email="person@x.test")}
    assert set(found) == {"person-email", "person-browser", "person-later"}
    assert {name: found["person-browser"][name] for name in CLICKED} == CLICKED


def test_a_contact_without_touches_has_a_row_that_says_so(embedded: Prepared) -> None:
    row = embedded.one("contact_profile_attribution_first", email="e21@x.test")

    assert (row["status"], row["channel"], row["touchpoint_id"]) == ("no_touchpoints", "unknown", None)
    assert (row["n_touchpoints"], row["n_clients"], row["max_hop"]) == (0, 1, 1)
    lead = embedded.one("contact_profile_attribution_first", email="lead@x.test")  # it was linked to no browser
    assert (lead["status"], lead["n_clients"], lead["max_hop"]) == ("attributed", 0, 0)


def test_a_contact_that_is_no_address_joins_nothing(embedded: Prepared) -> None:
    row = embedded.one("contact_profile_attribution_first", email="not-an-address")

    assert (row["status"], row["touchpoint_id"], row["n_touchpoints"]) == ("invalid_email", None, 0)
    dots = embedded.one("contact_profile_attribution_first", email="dots@mail..test")  # its lead is refused, too
    assert (dots["status"], dots["touchpoint_id"], dots["n_touchpoints"]) == ("invalid_email", None, 0)


def test_contacts_are_the_addresses_of_every_source_and_without_a_user_the_run_is_their_anchor(
    embedded: Prepared,
) -> None:
    found = {row["email"]: row["anchor"] for row in embedded.tables["contact_profile_attribution_first"]}

    assert found["not-an-address"] == at("2026-02-01")
    for email in ("lead@x.test", "phone@x.test", "e21@x.test", "colleague@x.test"):
        assert found[email] == AS_OF


def test_the_central_row_of_a_contact_is_its_newest_user(embedded: Prepared) -> None:
    row = embedded.one("contact_profile_metadata", email="person@x.test")

    assert (row["user_id"], row["company_id"], row["first_name"]) == ("U2", "chain", "New")
    assert row["created_at"] == at("2026-02-01")


def test_credits_of_touches_21_14_7_and_0_days_before(embedded: Prepared) -> None:
    rows = sorted(embedded.all("multi_touch_credit", company_id="decay"), key=lambda row: int(row["position"]))

    assert [row["linear"] for row in rows] == [Decimal("0.25")] * 4
    assert [row["position_based"] for row in rows] == [Decimal(share) for share in ("0.4", "0.1", "0.1", "0.4")]
    assert [round(row["time_decay"], 4) for row in rows] == [
        Decimal(share) for share in ("0.0667", "0.1333", "0.2667", "0.5333")
    ]  # fmt: skip


def test_the_same_rows_and_time_make_the_same_tables_and_another_time_only_moves_the_clock(embedded: Prepared) -> None:
    names = [model for model in attribution_models() if model.name in {"company_summary", *RESULTS}]
    with embedded.warehouse.writer() as session:
        for model in names:
            build_model(session, model, AS_OF)
    assert {m.name: rows_of(embedded.warehouse, m.name) for m in names} == {
        m.name: embedded.tables[m.name] for m in names
    }
