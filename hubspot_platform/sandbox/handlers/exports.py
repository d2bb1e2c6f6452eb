"""Exports v3: start, poll, and download the result as CSV, or as ZIP when it is large.

Downloads are on a path of their own, need no token, count against no limit, and expire.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from zoneinfo import ZoneInfo

from hubspot_platform.sandbox.clock import from_ms, iso, parse_time
from hubspot_platform.sandbox.exports import COMPLETE, LINK_MS, MOST_A_DAY, PENDING, Export
from hubspot_platform.sandbox.fault_effects import rate_limited
from hubspot_platform.sandbox.handlers.lists import named_list
from hubspot_platform.sandbox.handlers.search import matching
from hubspot_platform.sandbox.model import Property, Record, Value
from hubspot_platform.sandbox.portal import ObjectArea, Portal
from hubspot_platform.sandbox.search import parse_query
from hubspot_platform.sandbox.values import DAY_MS
from hubspot_platform.sandbox.wire import Answer, Call, invalid, json_answer, not_found

MOST_GROUPS, MOST_FILTERS = 3, 3
ZIP_FROM = 2_000_000
ROWS_A_FILE = 1_000_000
MOST_ASSOCIATED = 1_000
EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
INTERNAL = frozenset({"NAMES", "VALUES"})


def start_export(portal: Portal, call: Call) -> Answer:
    """`POST /export/async`: 202; the records are taken as they are now."""
    body, now_ms = call.json_object(), portal.clock.now_ms()
    if portal.exports.started_since(now_ms - DAY_MS) >= MOST_A_DAY:
        raise rate_limited("EXPORTS_PER_DAY", portal.account.app_id)
    area = portal.area(str(body.get("objectType") or ""))
    if body.get("format") != "CSV":
        raise invalid("format must be CSV: the sandbox makes no other")
    properties, associated = _names(body, "objectProperties"), _names(body, "associatedObjectType")
    unknown = [n for n in properties if area.schema.live(n) is None]
    if not properties or unknown:
        raise invalid(f"objectProperties must name properties of {area.spec.plural}: {', '.join(unknown) or 'none'}")
    export = Export(
        id=100_001 + len(portal.exports.by_id),
        kind=str(body.get("exportType")),
        plural=area.spec.plural,
        name=str(body.get("exportName") or "export"),
        properties=properties,
        associated=tuple(portal.area(n).spec.plural for n in associated),
        internal=frozenset(_names(body, "exportInternalValuesOptions")) & INTERNAL,
        records=_records(portal, area, body),
        requested_ms=now_ms,
    )
    portal.exports.put(export)
    status = f"{call.base_url}/crm/v3/exports/export/async/tasks/{export.id}/status"
    return json_answer({"id": str(export.id), "links": {"status": status}}, 202)


def _names(body: Mapping[str, object], name: str) -> tuple[str, ...]:
    raw = body.get(name) or []
    return tuple(map(str, raw)) if isinstance(raw, list) else (str(raw),)


def _records(portal: Portal, area: ObjectArea, body: Mapping[str, object]) -> Sequence[Record]:
    store = area.store
    if body.get("exportType") == "LIST":
        found = named_list(portal, str(body.get("listId") or ""))
        if found.type_id != area.spec.type_id:
            raise invalid(f"List {found.id} does not hold {area.spec.plural}")
        return [store.records[m.record_id] for m in portal.lists.members(found)]
    if body.get("exportType") != "VIEW":
        raise invalid("exportType must be VIEW or LIST")
    asked = body.get("publicCrmSearchRequest")
    if not isinstance(asked, dict):
        return [store.records[i] for i in store.live_ids]
    query = parse_query(asked, area.schema)
    if len(query.groups) > MOST_GROUPS or any(len(g) > MOST_FILTERS for g in query.groups):
        raise invalid(f"At most {MOST_GROUPS} filter groups of {MOST_FILTERS} filters can be exported")
    area.index.catch_up()
    return matching(portal, area, replace(query, properties=()))


def _export(portal: Portal, export_id: str) -> Export:
    export = portal.exports.by_id.get(int(export_id)) if export_id.isdigit() else None
    if export is None:
        raise not_found(f"No export exists with id {export_id}")
    return export


def export_status(portal: Portal, call: Call) -> Answer:
    """`GET /export/async/tasks/{id}/status`: every answer of a finished export has a fresh link."""
    export, now_ms = _export(portal, call.params["export"]), portal.clock.now_ms()
    document: dict[str, object] = {
        "status": export.status,
        "requestedAt": iso(export.requested_ms),
        "startedAt": iso(export.started_ms or export.requested_ms),
        "completedAt": iso(export.completed_ms or now_ms),
    }
    if export.status == COMPLETE:
        document["result"] = f"{call.base_url}/exports/download/{export.id}/{now_ms + LINK_MS}"
    portal.exports.advance(now_ms)
    return json_answer(document)


def read_export(portal: Portal, call: Call) -> Answer:
    """`GET /export/{id}`."""
    export = _export(portal, call.params["export"])
    state = {PENDING: "ENQUEUED", COMPLETE: "DONE"}.get(export.status, export.status)
    document: dict[str, object] = {
        "id": str(export.id),
        "exportName": export.name,
        "exportType": export.kind,
        "exportState": state,
        "objectType": portal.areas[export.plural].spec.singular.upper(),
        "objectProperties": list(export.properties),
        "createdAt": iso(export.requested_ms),
        "updatedAt": iso(export.completed_ms or export.started_ms or export.requested_ms),
    }
    if export.status == COMPLETE:
        document["recordCount"] = len(export.records)
    return json_answer(document)


def download(portal: Portal, call: Call) -> Answer:
    """`GET /exports/download/{id}/{expiry}`: CSV, or a ZIP of CSV files above 2 MB."""
    export, expires = _export(portal, call.params["export"]), call.params["expires"]
    if export.status != COMPLETE or not expires.isdigit() or int(expires) < portal.clock.now_ms():
        return Answer(403, EXPIRED, "application/xml")
    rows = _rows(portal, export)
    header = next(rows)
    files = [_csv([header, *rows_of]) for rows_of in iter(lambda: list(islice(rows, ROWS_A_FILE)), [])]
    files = files or [_csv([header])]
    if len(files) == 1 and len(files[0]) <= ZIP_FROM:
        return Answer(200, files[0], "text/csv;charset=utf-8", _attached(f"{export.name}.csv"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, content in enumerate(files, 1):
            archive.writestr(f"{export.name}-{number}.csv" if len(files) > 1 else f"{export.name}.csv", content)
    return Answer(200, packed.getvalue(), "application/zip", _attached(f"{export.name}.zip"))


def _attached(name: str) -> dict[str, str]:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _rows(portal: Portal, export: Export) -> Iterator[list[str]]:
    """Yield the header, then one row per record: its id, the properties, the ids of associated records."""
    area = portal.areas[export.plural]
    known = [area.schema.definitions[n] for n in export.properties]
    yield [
        "Record ID",
        *(d.name if "NAMES" in export.internal else d.label for d in known),
        *(f"Associated {portal.areas[p].spec.singular.capitalize()} IDs" for p in export.associated),
    ]
    zone = ZoneInfo(portal.account.time_zone)
    pairs = [(area.spec.singular, portal.areas[p].spec.singular) for p in export.associated]
    for record in export.records:
        values = [_shown(d, area.store.value(record, d.name), zone, "VALUES" in export.internal) for d in known]
        linked = [
            ";".join(str(to) for to, _ in islice(portal.link_live(pair, record.id), MOST_ASSOCIATED)) for pair in pairs
        ]
        yield [str(record.id), *values, *linked]


def _shown(definition: Property, value: Value, zone: ZoneInfo, internal: bool) -> str:
    """Return a value as an export shows it: labels unless internal values were asked for, times in portal time."""
    if not value:
        return ""
    if definition.type == "datetime":
        moment = parse_time(value)
        return value if moment is None else f"{from_ms(moment).astimezone(zone):%Y-%m-%d %H:%M}"
    if internal or not definition.options:
        return value
    labels = {o.value: o.label for o in definition.options}
    return ";".join(labels.get(part, part) for part in value.split(";"))
