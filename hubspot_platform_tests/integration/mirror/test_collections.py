"""People, lists, forms and marketing e-mail: the mirror equals the portal after every read, on both store pairs."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT, REFERENCES
from hubspot_platform.hubspot.errors import CursorLoop, MissingScope
from hubspot_platform.mirror.plan import VolumeGuard
from hubspot_platform.mirror.reference import ReferenceReport, sync_reference
from hubspot_platform.mirror.reference.email_tables import EVENT_TABLES
from hubspot_platform.runtime import Platform
from hubspot_platform.state import windows
from hubspot_platform.warehouse.model import LogicalType
from hubspot_platform_tests.support.platforms import platform_for, rows, sync
from hubspot_platform_tests.support.portal import Portal, portal

# table, then column:type; _fivetran_synced is everywhere
PUBLIC_COLUMNS = """
contact_form_submission contact_id:int conversion_id:text form_id:text page_id:int page_url:text portal_id:int
  timestamp:timestamp title:text
contact_list _fivetran_deleted:bool created_at:timestamp created_by_id:text deleteable:bool dynamic:bool
  filters_updated_at:timestamp id:int list_version:int metadata_error:text
  metadata_last_processing_state_change_at:timestamp metadata_last_size_change_at:timestamp
  metadata_processing:text metadata_size:int name:text object_type_id:text portal_id:int processing_status:text
  processing_type:text updated_at:timestamp
contact_list_member _fivetran_deleted:bool added_at:timestamp contact_id:int contact_list_id:int
email_campaign app_id:int app_name:text content_id:int id:int name:text num_included:int num_queued:int
  sub_type:text subject:text type:text
email_event app_id:int caused_by_created:timestamp caused_by_id:text created:timestamp email_campaign_id:int
  filtered_event:bool id:text obsoleted_by_created:timestamp obsoleted_by_id:text portal_id:int recipient:text
  sent_by_created:timestamp sent_by_id:text type:text
email_event_bounce category:text id:text response:text status:text
email_event_click browser:text id:text ip_address:text location:text referer:text url:text user_agent:text
email_event_deferred attempt:int id:text response:text
email_event_delivered id:text response:text smtp_id:text
email_event_dropped from:text bcc:text cc:text drop_message:text drop_reason:text id:text reply_to:text
  subject:text
email_event_forward browser:text id:text ip_address:text location:text user_agent:text
email_event_open browser:text duration:text id:text ip_address:text location:text user_agent:text
email_event_print browser:text id:text ip_address:text location:text user_agent:text
email_event_sent from:text bcc:text cc:text id:text reply_to:text subject:text
email_event_spam_report id:text ip_address:text user_agent:text
email_event_status_change bounced:bool id:text portal_subscription_status:text requested_by:text source:text
  subscriptions:text
form _fivetran_deleted:bool action:text created_at:timestamp css_class:text follow_up_id:text form_type:text
  guid:text lead_nurturing_campaign_id:text method:text name:text notify_recipients:bool portal_id:int
  redirect:text submit_text:text updated_at:timestamp
owner_team _fivetran_deleted:bool is_team_primary:bool owner_id:int team_id:int
role _fivetran_deleted:bool id:int name:text requires_billing_write:bool
team _fivetran_deleted:bool id:int name:text
team_user _fivetran_deleted:bool is_secondary_user:bool team_id:int user_id:int
users _fivetran_deleted:bool email:text first_name:text id:int last_name:text primary_team_id:int role_id:int
"""

COLLECTIONS = ("users", "teams", "roles", "owners", "lists", "forms", "email_campaigns", "email_events")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Portal]:
    """A small portal that the tests change; each compares with what it holds then."""
    with portal("contacts=120,companies=30,deals=20") as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def platform(request: pytest.FixtureRequest, sandbox: Portal, tmp_path: Path) -> Iterator[Platform]:
    """A platform with empty stores on the portal, once on each store pair."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    sandbox.clear_faults()
    with platform_for(sandbox, tmp_path, url) as opened:
        yield opened


def read(platform: Platform, name: str, *, full: bool = False) -> ReferenceReport:
    return sync_reference(platform, REFERENCES[name], run_id="test", full=full)


def watermark(platform: Platform, name: str) -> datetime | None:
    identity = platform.warehouse().identity()
    return platform.state().read(lambda connection: windows.watermark(connection, identity, name))


def moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def live(platform: Platform, table: str, columns: str) -> list[tuple[Any, ...]]:
    found = rows(platform, f"select {columns} from hubspot.{table} where not _fivetran_deleted")
    return sorted(tuple(row.values()) for row in found)


def assert_members_equal(platform: Platform, sandbox: Portal) -> None:
    contact_lists = {entry["listId"] for entry in sandbox.account("lists") if entry["objectTypeId"] == "0-1"}
    there = sorted(
        (int(m["listId"]), int(m["recordId"]), datetime.fromisoformat(m["membershipTimestamp"]))
        for m in sandbox.account("memberships")
        if m["listId"] in contact_lists
    )
    assert there
    assert live(platform, "contact_list_member", "contact_list_id, contact_id, added_at") == there


def assert_events_equal(platform: Platform, sandbox: Portal) -> None:
    there = sandbox.account("email_events")
    here = rows(platform, "select id, created, type, recipient, obsoleted_by_id from hubspot.email_event")
    assert len(here) == len({(row["id"], row["created"]) for row in here})
    assert {(r["id"], r["created"], r["type"], r["recipient"], r["obsoleted_by_id"]) for r in here} == {
        (e["id"], moment(e["created"]), e["type"], e.get("recipient"), e.get("obsoletedBy", {}).get("id"))
        for e in there
    }
    sendings = rows(
        platform, "select id, created, sent_by_id, sent_by_created from hubspot.email_event where type = 'SENT'"
    )
    assert all((row["sent_by_id"], row["sent_by_created"]) == (row["id"], row["created"]) for row in sendings)
    counted = Counter(event["type"] for event in there)
    for kind, table in EVENT_TABLES.items():
        assert rows(platform, f"select count(*) as n from hubspot.{table.name}")[0]["n"] == counted[kind] > 0


def test_users_teams_and_roles_equal_the_portal_and_what_is_gone_is_marked(platform: Platform, sandbox: Portal) -> None:
    sandbox.change_account("users", "put", id=91, email="new@ourfirm.example", first_name="Nö", last_name="🙂")
    for name in ("users", "teams", "roles"):
        read(platform, name)
    users = {(int(u["id"]), u["email"], int(u.get("roleId") or 0) or None) for u in sandbox.account("users")}
    assert set(live(platform, "users", "id, email, role_id")) == users
    teams = sandbox.account("teams")
    assert live(platform, "team", "id, name") == sorted((int(t["id"]), t["name"]) for t in teams)
    members = {(int(t["id"]), int(u), False) for t in teams for u in t["userIds"]}
    members |= {(int(t["id"]), int(u), True) for t in teams for u in t["secondaryUserIds"]}
    assert set(live(platform, "team_user", "team_id, user_id, is_secondary_user")) == members
    assert [row[0] for row in live(platform, "role", "id")] == sorted(int(r["id"]) for r in sandbox.account("roles"))
    sandbox.change_account("users", "remove", id=91)
    read(platform, "users")
    gone = rows(platform, "select id, last_name from hubspot.users where _fivetran_deleted")
    assert gone == [{"id": 91, "last_name": "🙂"}]


def test_owners_bring_their_teams(platform: Platform, sandbox: Portal) -> None:
    read(platform, "owners")
    there = sorted(
        (int(owner["id"]), int(team["id"]), team["primary"])
        for owner in sandbox.account("owners")
        for team in owner.get("teams", [])
    )
    assert there
    assert live(platform, "owner_team", "owner_id, team_id, is_team_primary") == there


def test_a_missing_scope_stops_one_kind_only_and_is_named(platform: Platform, sandbox: Portal) -> None:
    scope = "settings.users.teams.read"
    sandbox.fault("missing_scope", match={"route": "users.teams"}, scopes=[scope])
    read(platform, "users")
    read(platform, "roles")
    with pytest.raises(MissingScope, match=scope):
        read(platform, "teams")
    assert watermark(platform, "teams") is None
    sandbox.clear_faults()
    assert read(platform, "teams").rows["team"] > 0


def test_lists_and_their_members_follow_every_change(platform: Platform, sandbox: Portal) -> None:
    read(platform, "lists")
    assert_members_equal(platform, sandbox)
    names = {(int(e["listId"]), e["name"], e["size"]) for e in sandbox.account("lists")}
    assert set(live(platform, "contact_list", "id, name, metadata_size")) == names
    by_hand = "1202"
    sandbox.change_account("lists", "add", id=by_hand, first=3)
    sandbox.change_account("lists", "remove", id="1101", first=5)
    sandbox.change_account("lists", "delete", id="1102")
    report = read(platform, "lists")
    assert_members_equal(platform, sandbox)
    assert report.rows["contact_list_member"] == 8, "only what changed is written"
    sandbox.change_account("lists", "restore", id="1102")
    read(platform, "lists")
    assert_members_equal(platform, sandbox)


def test_a_list_that_did_not_change_is_walked_once_a_day(platform: Platform, sandbox: Portal) -> None:
    read(platform, "lists")
    sandbox.reset_stats()
    assert read(platform, "lists").calls == 2, "the account and one page of lists"
    sandbox.clock(advance=25 * 3600)
    assert read(platform, "lists").calls > 2
    assert_members_equal(platform, sandbox)


def test_forms_equal_the_portal_and_archived_ones_are_marked(platform: Platform, sandbox: Portal) -> None:
    read(platform, "forms")
    there = {(form["id"], form["name"], form["archived"]) for form in sandbox.account("forms")}
    here = rows(platform, "select guid, name, _fivetran_deleted as gone from hubspot.form")
    assert {tuple(row.values()) for row in here} == there
    assert {archived for _, _, archived in there} == {True, False}


def test_submissions_are_read_until_they_are_known_and_find_their_contact(platform: Platform, sandbox: Portal) -> None:
    read(platform, "forms")
    form = next(form for form in sandbox.account("forms") if not form["archived"])
    contact = next(c for c in sandbox.dump("contacts") if c["properties"].get("email"))
    typed = {"email": f" {contact['properties']['email'].upper()} "}
    late = int((datetime.fromisoformat(sandbox.state()["now"]) - timedelta(minutes=5)).timestamp() * 1000)
    made = sandbox.change_account("forms", "submit", id=form["id"], values=typed, at=late)
    sandbox.change_account("forms", "submit", id=form["id"], values={"email": "nobody@nowhere.example"})
    report = read(platform, "forms")
    assert report.rows["contact_form_submission"] <= 2 + report.calls, "only new ones and the overlap are read"
    there = {(s["formId"], s["conversionId"], moment(s["submittedAt"])) for s in sandbox.account("submissions")}
    here = rows(platform, "select form_id, conversion_id, timestamp from hubspot.contact_form_submission")
    assert {tuple(row.values()) for row in here} == there
    assert len(here) == len(there)
    sync(platform, CONTACT)
    read(platform, "forms")
    query = "select contact_id, page_id, title, raw_json from hubspot.contact_form_submission where conversion_id = ?"
    stored = rows(platform, query, made["conversionId"])[0]
    assert (stored["contact_id"], stored["page_id"], stored["title"]) == (int(contact["id"]), None, None)
    assert json.loads(stored["raw_json"]) == made
    unknown = "select count(*) as n from hubspot.contact_form_submission where email like 'nobody@%' and contact_id > 0"
    assert rows(platform, unknown)[0]["n"] == 0


def test_campaigns_equal_the_portal(platform: Platform, sandbox: Portal) -> None:
    read(platform, "email_campaigns")
    there = sorted((c["id"], c["name"], c["subject"], c["numIncluded"]) for c in sandbox.account("campaigns"))
    assert live(platform, "email_campaign", "id, name, subject, num_included") == there


def test_every_event_is_stored_once_and_in_the_table_of_its_kind(platform: Platform, sandbox: Portal) -> None:
    sandbox.change_account("email_events", "settings", repeat=True)
    first = read(platform, "email_events")
    assert_events_equal(platform, sandbox)
    assert read(platform, "email_events").calls < 5 < first.calls


def test_case_067_an_event_that_shows_late_is_found_by_the_next_read(platform: Platform, sandbox: Portal) -> None:
    read(platform, "email_events")
    late = int((datetime.fromisoformat(sandbox.state()["now"]) - timedelta(minutes=10)).timestamp() * 1000)
    opened = sandbox.change_account("email_events", "add", type="OPEN", recipient="late@example.com", at=late)
    read(platform, "email_events")
    again = {"id": opened["id"], "created": opened["created"]}
    sandbox.change_account("email_events", "add", type="OPEN", recipient="late@example.com", obsoletes=again)
    read(platform, "email_events")
    assert_events_equal(platform, sandbox)


def test_an_event_with_a_value_that_does_not_fit_keeps_the_rest(platform: Platform, sandbox: Portal) -> None:
    added = sandbox.change_account("email_events", "add", type="DEFERRED", recipient="x@example.com", attempt="many")
    report = read(platform, "email_events")
    assert report.rejected >= 1
    assert_events_equal(platform, sandbox)
    attempt = rows(platform, "select attempt from hubspot.email_event_deferred where id = ?", added["id"])
    assert attempt == [{"attempt": None}]
    kept = rows(platform, "select table_name, reason, raw_json from hubspot.rejected_row")
    assert ("email_event_deferred", "does_not_fit: attempt") in {(row["table_name"], row["reason"]) for row in kept}
    assert any("many" in row["raw_json"] for row in kept)


def test_case_076_most_lists_gone_stops_and_asks(platform: Platform, sandbox: Portal) -> None:
    made = [sandbox.change_account("lists", "create", name=f"List {n}", at=n) for n in range(60)]
    read(platform, "lists")
    for entry in made:
        sandbox.change_account("lists", "delete", id=entry["listId"])
    with pytest.raises(VolumeGuard, match="--confirm-deletes"):
        read(platform, "lists")
    assert len(live(platform, "contact_list", "id")) > 60
    sync_reference(platform, REFERENCES["lists"], run_id="test", confirm_deletes=True)
    assert len(live(platform, "contact_list", "id")) == len(sandbox.account("lists"))


@pytest.mark.parametrize(
    ("name", "route"), [("lists", "lists.members"), ("forms", "forms.submissions"), ("users", "users.list")]
)
def test_case_063_a_cursor_that_comes_back_fails_and_completes_nothing(
    platform: Platform, sandbox: Portal, name: str, route: str
) -> None:
    sandbox.fault("cursor_loop", match={"route": route})
    with pytest.raises(CursorLoop):
        read(platform, name)
    assert watermark(platform, name) is None


@pytest.mark.parametrize("name", ["lists", "forms", "email_events"])
def test_case_062_a_truncated_page_is_asked_for_again(platform: Platform, sandbox: Portal, name: str) -> None:
    sandbox.fault("truncated_json", skip=3, count=2)
    report = read(platform, name)
    assert report.retries == 2
    assert watermark(platform, name) == report.watermark
    if name == "lists":
        assert_members_equal(platform, sandbox)
    elif name == "email_events":
        assert_events_equal(platform, sandbox)


def test_case_068_an_empty_portal_is_a_success_with_no_rows(tmp_path: Path) -> None:
    with portal("empty") as running, platform_for(running, tmp_path) as opened:
        for name in ("lists", "email_campaigns", "email_events"):
            read(opened, name)
            assert watermark(opened, name) is not None
        assert rows(opened, "select count(*) as n from hubspot.email_event") == [{"n": 0}]
        assert rows(opened, "select count(*) as n from hubspot.contact_list_member") == [{"n": 0}]


def public_columns() -> dict[str, dict[str, LogicalType]]:
    """Return table → column → type as other tools know them, with GUIDs as text."""
    found: dict[str, dict[str, LogicalType]] = {}
    for line in PUBLIC_COLUMNS.replace("\n  ", " ").split("\n"):
        table, *columns = line.split() or [""]
        if table:
            pairs = (column.split(":") for column in columns)
            found[table] = {"_fivetran_synced": LogicalType.TIMESTAMP, **{n: LogicalType(kind) for n, kind in pairs}}
    return found


def test_every_table_has_the_columns_of_the_public_schema(platform: Platform) -> None:
    for name in COLLECTIONS:
        read(platform, name)
    with platform.warehouse().reader() as session:
        for table, wanted in public_columns().items():
            stored = session.columns(f"hubspot.{table}")
            assert {column: stored.get(column) for column in wanted} == wanted, table
