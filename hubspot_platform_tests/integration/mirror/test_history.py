"""Every change of a property is a row, value by value as HubSpot tells it, on both store pairs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.hubspot.catalogue import COMPANY, CONTACT, DEAL, TICKET, ObjectType
from hubspot_platform.mirror.history import moment_column
from hubspot_platform.mirror.plan import Mode
from hubspot_platform.runtime import Platform
from hubspot_platform_tests.support.platforms import mirrored, platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

OF_CONTACTS = ("hs_lead_status", "hubspot_owner_id", "lifecyclestage")
Change = tuple[int, str, str | None, datetime, str | None, str | None]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal; what one test changes, the next one finds changed."""
    with portal("small") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform on the portal that mirrors the history of contacts too, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    config = tmp_path / "platform.toml"
    config.write_text(f"[history_properties]\ncontact = {list(OF_CONTACTS)}\n")
    with platform_for(sandbox, tmp_path, url, platform_config=config) as opened:
        yield opened


def told(portal: Portal, obj: ObjectType, names: Sequence[str] = (), *, archived: bool = False) -> Counter[Change]:
    """Return the changes that HubSpot tells of now."""
    wanted = names or (OF_CONTACTS if obj is CONTACT else obj.history_properties)
    asked = {"history": ",".join(wanted), "archived": str(archived).lower()}
    records = portal.http.get(f"/sandbox/api/dump/{obj.plural}", params=asked).json()["results"]
    return Counter(
        (
            int(record["id"]),
            name,
            version["value"] or None,
            datetime.fromisoformat(version["timestamp"]),
            version["sourceType"],
            version["sourceId"],
        )
        for record in records
        for name, versions in record["propertiesWithHistory"].items()
        for version in versions
    )


def stored(platform: Platform, obj: ObjectType) -> Counter[Change]:
    """Return the changes in the mirror."""
    moment = moment_column(obj.name)
    found = rows(platform, f"select * from hubspot.{obj.name}_property_history")
    return Counter(
        (row[f"{obj.name}_id"], row["name"], row["value"], row[moment], row["source"], row["source_id"])
        for row in found
    )


def stages(platform: Platform, deal_id: int) -> list[tuple[Any, ...]]:
    found = rows(
        platform,
        "select value, date_entered, _fivetran_start, _fivetran_end, _fivetran_active from hubspot.deal_stage "
        "where deal_id = ? order by date_entered, instant_rank desc",
        deal_id,
    )
    assert all(row["_fivetran_start"] == row["date_entered"] for row in found)
    return [(row["value"], row["date_entered"], row["_fivetran_end"], row["_fivetran_active"]) for row in found]


@pytest.mark.parametrize("obj", [CONTACT, COMPANY, DEAL, TICKET], ids=lambda obj: obj.name)
def test_a_full_read_mirrors_every_change_of_live_and_archived_records(
    platform: Platform, sandbox: Portal, obj: ObjectType
) -> None:
    report = sync(platform, obj)
    everything = told(sandbox, obj) + told(sandbox, obj, archived=True)
    assert stored(platform, obj) == everything
    assert report.history == everything.total() > 0


def test_every_property_has_history_when_the_settings_say_so(sandbox: Portal, tmp_path: Path) -> None:
    config = tmp_path / "platform.toml"
    config.write_text('[history_properties]\ndeal = ["*"]\nticket = []\n')
    with platform_for(sandbox, tmp_path, platform_config=config) as platform:
        sync(platform, DEAL)
        names = [d["name"] for d in sandbox.api("GET", "/crm/v3/properties/deals").json()["results"]]
        assert stored(platform, DEAL) == told(sandbox, DEAL, names) + told(sandbox, DEAL, names, archived=True)
        assert sync(platform, TICKET).history == 0
        assert stored(platform, TICKET) == Counter()


def test_contacts_are_read_without_history_and_a_hundred_a_page_until_the_settings_name_properties(
    sandbox: Portal, tmp_path: Path
) -> None:
    with platform_for(sandbox, tmp_path) as platform:
        sandbox.reset_stats()
        assert sync(platform, CONTACT).history == 0
        pages = len(mirrored(platform, CONTACT)) / 100
        assert sandbox.stats()["by_kind"]["objects.list"] < pages + 5
        assert stored(platform, CONTACT) == Counter()


def test_raw_json_holds_no_history(platform: Platform) -> None:
    sync(platform, DEAL)
    assert all("propertiesWithHistory" not in record for record in mirrored(platform, DEAL).values())


def test_a_catch_up_adds_the_changes_of_changed_records_fifty_a_call(platform: Platform, sandbox: Portal) -> None:
    sync(platform, CONTACT)
    before = stored(platform, CONTACT)
    changed = sorted(mirrored(platform, CONTACT))[:120]
    sandbox.change("contacts", "update", ids=[str(i) for i in changed], properties={"lifecyclestage": "evangelist"})
    sandbox.reset_stats()
    report = sync(platform, CONTACT)
    assert report.mode is Mode.WINDOW
    assert sandbox.stats()["by_kind"]["objects.batch_read"] == 3
    assert stored(platform, CONTACT) == told(sandbox, CONTACT) + told(sandbox, CONTACT, archived=True)
    assert (stored(platform, CONTACT) - before).keys() == {
        change for change in told(sandbox, CONTACT) if change[2] == "evangelist" and change not in before
    }


def test_the_same_history_twice_changes_nothing(platform: Platform) -> None:
    sync(platform, DEAL)
    once = (stored(platform, DEAL), rows(platform, "select deal_id, value, date_entered from hubspot.deal_stage"))
    sync(platform, DEAL, full=True)
    again = (stored(platform, DEAL), rows(platform, "select deal_id, value, date_entered from hubspot.deal_stage"))
    assert again[0] == once[0]
    assert sorted(map(str, again[1])) == sorted(map(str, once[1]))


def test_changes_stay_when_hubspot_forgets_them(platform: Platform, sandbox: Portal) -> None:
    sync(platform, DEAL)
    deal = min(mirrored(platform, DEAL))
    every: Counter[Change] = stored(platform, DEAL)
    began = datetime.now(UTC)
    for part in range(3):
        for step in range(15):
            at = began + timedelta(milliseconds=100 * part + step)
            stage = ("presentationscheduled", "contractsent")[step % 2]
            sandbox.change("deals", "update", ids=[str(deal)], properties={"dealstage": stage}, at=at.isoformat())
        sync(platform, DEAL)
        every |= told(sandbox, DEAL)
    assert stored(platform, DEAL) == every
    of_deal = [change for change in every if change[0] == deal and change[1] == "dealstage"]
    assert len(of_deal) > 40, "HubSpot itself tells the latest 20 only"
    entered = stages(platform, deal)
    assert len(entered) == len(of_deal)
    assert [end for _, _, end, _ in entered[:-1]] == [start for _, start, _, _ in entered[1:]]
    assert [active for *_, active in entered] == [False] * (len(entered) - 1) + [True]
    assert entered[-1][0] == mirrored(platform, DEAL)[deal]["properties"]["dealstage"]


def test_several_changes_of_one_instant_are_all_kept_in_their_order(platform: Platform, sandbox: Portal) -> None:
    sync(platform, DEAL)
    deal = max(mirrored(platform, DEAL))
    at = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    way = ("contractsent", "presentationscheduled", "contractsent")
    for number, stage in enumerate(way):
        sandbox.change("deals", "update", ids=[str(deal)], properties={"dealstage": stage}, at=at)
        if number != 1:
            sync(platform, DEAL)
    assert stored(platform, DEAL) == told(sandbox, DEAL) + told(sandbox, DEAL, archived=True)
    assert tuple(value for value, *_ in stages(platform, deal)[-3:]) == way


def test_ticket_values_end_where_the_next_begin(platform: Platform, sandbox: Portal) -> None:
    sync(platform, TICKET)
    ticket = min(mirrored(platform, TICKET))
    sandbox.change("tickets", "update", ids=[str(ticket)], properties={"hs_ticket_priority": "URGENT"})
    sync(platform, TICKET)
    found = rows(
        platform,
        "select value, timestamp_instant, _fivetran_start, _fivetran_end from hubspot.ticket_property_history "
        "where ticket_id = ? and name = 'hs_ticket_priority' order by timestamp_instant",
        ticket,
    )
    assert found[-1]["value"] == "URGENT"
    assert [row["_fivetran_end"] for row in found] == [row["timestamp_instant"] for row in found[1:]] + [None]
    assert all(row["_fivetran_start"] == row["timestamp_instant"] for row in found)


def test_what_a_sync_without_history_left_out_is_read_by_the_next_one(platform: Platform, sandbox: Portal) -> None:
    sync(platform, DEAL, history=False)
    assert stored(platform, DEAL) == Counter()
    assert sync(platform, DEAL).mode is Mode.FULL, "history has no base yet"
    assert stored(platform, DEAL) == told(sandbox, DEAL) + told(sandbox, DEAL, archived=True)
    deal = min(mirrored(platform, DEAL))
    sandbox.change("deals", "update", ids=[str(deal)], properties={"amount": "77777"})
    assert sync(platform, DEAL, history=False).history == 0
    report = sync(platform, DEAL)
    assert (report.mode, report.history > 0) == (Mode.WINDOW, True)
    assert stored(platform, DEAL) == told(sandbox, DEAL) + told(sandbox, DEAL, archived=True)


def test_merges_are_listed_with_everything_merged_before(platform: Platform, sandbox: Portal) -> None:
    sync(platform, DEAL)
    sync(platform, CONTACT)
    deals, contacts = sorted(mirrored(platform, DEAL))[:3], sorted(mirrored(platform, CONTACT))[:2]
    first = sandbox.change("deals", "merge", primary=str(deals[0]), other=str(deals[1]))["id"]
    sync(platform, DEAL)
    last = sandbox.change("deals", "merge", primary=first, other=str(deals[2]))["id"]
    sync(platform, DEAL)
    found = rows(platform, "select merged_deal_id from hubspot.merged_deal where deal_id = ?", int(last))
    assert {row["merged_deal_id"] for row in found} == {*deals, int(first)}
    at = datetime.now(UTC).replace(microsecond=123000)
    merge = {"primary": str(contacts[0]), "other": str(contacts[1]), "at": at.isoformat()}
    survivor = int(sandbox.change("contacts", "merge", **merge)["id"])
    sync(platform, CONTACT)
    audit = rows(platform, "select * from hubspot.contact_merge_audit where contact_id = ?", survivor)
    times = {row["vid_to_merge"]: row["timestamp"] for row in audit}
    assert set(times) == set(contacts)
    assert set(times.values()) == {at}
    assert all(row["canonical_vid"] == survivor and row["user_id"] is None for row in audit)
