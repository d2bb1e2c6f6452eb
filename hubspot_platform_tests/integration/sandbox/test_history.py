"""`propertiesWithHistory` on list, read and batch read: versions, limits, sources, and agreement with the value."""

import pytest
from hubspot import HubSpot

from hubspot_platform_tests.support.portal import Portal

TYPES = {"contacts": "lifecyclestage", "companies": "mrr", "deals": "dealstage", "tickets": "hs_pipeline_stage"}
each_type = pytest.mark.parametrize(("path", "name"), TYPES.items(), ids=list(TYPES))


def current_and_past(record: dict, name: str) -> tuple[str, str]:
    versions = record["propertiesWithHistory"][name]
    return record["properties"][name] or "", versions[0]["value"] if versions else ""


@each_type
def test_the_list_gives_the_history_of_every_record_and_newest_is_current(
    sandbox: Portal, path: str, name: str
) -> None:
    query = f"limit=50&properties={name},hubspot_owner_id&propertiesWithHistory={name},hubspot_owner_id,nonsense"
    records = sandbox.api("GET", f"/crm/v3/objects/{path}?{query}").json()["results"]
    for record in records:
        assert set(record["propertiesWithHistory"]) == {name, "hubspot_owner_id"}
        for asked in (name, "hubspot_owner_id"):
            now, newest = current_and_past(record, asked)
            assert now == newest
            times = [v["timestamp"] for v in record["propertiesWithHistory"][asked]]
            assert times == sorted(times, reverse=True)
    depths = [len(r["propertiesWithHistory"][name]) for r in records]
    assert max(depths) > 1
    versions = [v for r in records for v in r["propertiesWithHistory"][name]]
    people = [v for v in versions if v["sourceType"] == "CRM_UI"]
    assert people
    assert all(v["sourceId"] == f"userId:{v['updatedByUserId']}" for v in people)
    assert all("updatedByUserId" not in v for v in versions if v["sourceType"] != "CRM_UI")


@each_type
def test_read_and_batch_read_agree_with_the_list(sandbox: Portal, client: HubSpot, path: str, name: str) -> None:
    listed = sandbox.api("GET", f"/crm/v3/objects/{path}?limit=5&propertiesWithHistory={name}").json()["results"]
    expected = {r["id"]: r["propertiesWithHistory"] for r in listed}
    body = {"inputs": [{"id": i} for i in expected], "properties": [name], "propertiesWithHistory": [name]}
    batch = sandbox.api("POST", f"/crm/v3/objects/{path}/batch/read", json=body).json()["results"]
    assert {r["id"]: r["propertiesWithHistory"] for r in batch} == expected
    for key, history in expected.items():
        read = client.crm.objects.basic_api.get_by_id(path, key, properties_with_history=[name])
        assert [v.value for v in read.properties_with_history[name]] == [v["value"] for v in history[name]]
    dumped = sandbox.http.get(f"/sandbox/api/dump/{path}", params={"history": name, "limit": 5}).json()["results"]
    assert {r["id"]: r["propertiesWithHistory"] for r in dumped} == expected


def test_pages_and_batches_with_history_hold_50_records(sandbox: Portal) -> None:
    assert sandbox.api("GET", "/crm/v3/objects/tickets?limit=51&propertiesWithHistory=subject").status_code == 400
    body = {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["subject"]}
    assert sandbox.api("POST", "/crm/v3/objects/tickets/batch/read", json=body).status_code == 400


def test_each_write_adds_a_version_with_its_source(sandbox: Portal) -> None:
    path = "/crm/v3/objects/companies"
    sandbox.clock(freeze="2027-03-01T08:00:00+00:00")
    company = sandbox.api("POST", path, json={"properties": {"name": "Acme", "city": "Oslo"}}).json()["id"]
    sandbox.clock(advance=60)
    sandbox.api("PATCH", f"{path}/{company}", json={"properties": {"city": "Bergen"}})
    source = {"type": "IMPORT", "id": "77"}
    sandbox.change(
        "companies", "update", id=company, at="2027-03-01T08:02:00Z", properties={"city": None}, source=source
    )
    versions = sandbox.api("GET", f"{path}/{company}?propertiesWithHistory=city,phone").json()["propertiesWithHistory"]
    assert versions == {
        "city": [
            {"value": "", "timestamp": "2027-03-01T08:02:00.000Z", "sourceType": "IMPORT", "sourceId": "77"},
            {"value": "Bergen", "timestamp": "2027-03-01T08:01:00.000Z", "sourceType": "INTEGRATION", "sourceId": "99"},
            {"value": "Oslo", "timestamp": "2027-03-01T08:00:00.000Z", "sourceType": "INTEGRATION", "sourceId": "99"},
        ],
        "phone": [],
    }


def test_a_calculated_value_changes_without_moving_the_last_modified_instant(sandbox: Portal) -> None:
    contact = sandbox.dump("contacts")[3]["id"]
    read = f"/crm/v3/objects/contacts/{contact}?properties=hs_analytics_num_visits"
    before = sandbox.api("GET", read).json()
    sandbox.change("contacts", "calculate", id=contact, properties={"hs_analytics_num_visits": "98765"})
    after = sandbox.api("GET", f"{read}&propertiesWithHistory=hs_analytics_num_visits").json()
    assert after["updatedAt"] == before["updatedAt"]
    assert after["properties"]["hs_analytics_num_visits"] == "98765"
    newest = after["propertiesWithHistory"]["hs_analytics_num_visits"][0]
    assert (newest["value"], newest["sourceType"]) == ("98765", "CALCULATED")
    body = {"filters": [{"propertyName": "hs_analytics_num_visits", "operator": "EQ", "value": "98765"}]}
    assert sandbox.api("POST", "/crm/v3/objects/contacts/search", json=body).json()["total"] == 1


def test_a_stamp_adds_no_version_and_keeps_the_past_as_it_was(sandbox: Portal) -> None:
    path = "/crm/v3/objects/contacts?limit=50&propertiesWithHistory=lifecyclestage,hubspot_owner_id,phone"

    def past() -> list[dict]:
        return [r["propertiesWithHistory"] for r in sandbox.api("GET", path).json()["results"]]

    before = past()
    stamped = sandbox.change("contacts", "stamp", first=50)
    assert stamped["stamped"] == 50
    assert past() == before


def test_a_schema_change_leaves_the_past_alone(sandbox: Portal) -> None:
    path = "/crm/v3/objects/companies?limit=50&propertiesWithHistory=plan_type,churn_reason,newer"

    def past() -> list[dict]:
        return [r["propertiesWithHistory"] for r in sandbox.api("GET", path).json()["results"]]

    before = past()
    assert any(len(history["plan_type"]) > 1 for history in before)
    options = [{"label": "Gold", "value": "gold"}]
    sandbox.define("companies", "update", name="plan_type", options=options)
    sandbox.define("companies", "create", name="newer", type="enumeration", fieldType="select", options=options)
    assert past() == [history | {"newer": []} for history in before]


def test_a_source_must_be_an_object(sandbox: Portal) -> None:
    body = {"id": sandbox.dump("deals")[0]["id"], "properties": {}, "source": "me"}
    assert sandbox.http.post("/sandbox/api/objects/deals/update", json=body).status_code == 400
