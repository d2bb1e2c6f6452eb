"""Reading every live record of an object through HubSpot's export: a few calls, however many records there are.

The mirror uses it for first reads where the day's calls are the limit. An export tells times to the minute and in the
portal's time zone, so a record counts as changed just before its minute: every copy that the API tells replaces it.
"""

import csv
import io
import tempfile
import zipfile
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO
from zoneinfo import ZoneInfo

import aiohttp

from hubspot_platform.hubspot.catalogue import CATALOGUE, ObjectType
from hubspot_platform.hubspot.errors import HubSpotError, Refusal
from hubspot_platform.hubspot.records import Json, Records
from hubspot_platform.hubspot.transport import Transport, describe_fault
from hubspot_platform.lanes import Lane

PAGE = 1_000
LONGEST_WAIT = 12 * 3600.0  # seconds; exports wait for each other, and large ones take hours
FIRST_WAIT, LONGEST_PAUSE = 2.0, 60.0
_DOWNLOADS = 4
_PIECE = 1 << 20
_IN_MEMORY = 16 << 20
_LONGEST_FIELD = 1 << 24
_ID_COLUMNS = ("Record ID", "hs_object_id")
_UNFINISHED = ("PENDING", "PROCESSING")
_LIST_INSTEAD = "read the object without --via export, and take it out of mirror.export"


class ExportFailed(HubSpotError):
    """An export that HubSpot did not finish, or whose file is not what was asked for."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(what, Refusal(message=problem), mend=_LIST_INSTEAD)


@dataclass(frozen=True)
class Export:
    """What to export: an object with its properties; those named in `moments` are points in time, told in `zone`."""

    object: ObjectType
    properties: Sequence[str]
    moments: Collection[str]
    zone: ZoneInfo


async def export_records(transport: Transport, export: Export, *, lane: Lane) -> AsyncGenerator[Records, None]:
    """Yield every live record once, in no order, as the list endpoint would tell it.

    Raises ExportFailed, and the errors of `hubspot.errors`: MissingScope without the scope `crm.export`, RateLimited
    beyond 30 exports a day.
    """
    path = transport.policy.path("exports", "export")
    started = await transport.post_json(f"{path}/async", _request(export), lane=lane)
    export_id = str(started.get("id") or "")
    if not export_id:
        raise ExportFailed(f"POST {path}/async", "the answer has no id")
    what = f"export {export_id} of {export.object.plural}"
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        await _download(transport, f"{path}/async/tasks/{export_id}/status", what, file, lane)
        detail = await transport.get_json(f"{path}/{export_id}", lane=lane)
        read = 0
        for records in _pages(file, export, what):
            read += len(records) + len(records.nameless)
            yield records
    expected = detail.get("recordCount")
    if isinstance(expected, int) and read != expected:
        raise ExportFailed(what, f"its file has {read} of {expected} records")


def _request(export: Export) -> Json:
    obj = export.object
    return {
        "exportType": "VIEW",
        "exportName": f"hubspot-platform {obj.plural}",
        "format": "CSV",
        "language": "EN",
        "objectType": obj.name.upper() if obj.name in CATALOGUE else obj.type_id,
        "objectProperties": list(dict.fromkeys(("hs_object_id", *export.properties))),
        "exportInternalValuesOptions": ["NAMES", "VALUES"],
    }


async def _download(transport: Transport, status_path: str, what: str, file: IO[bytes], lane: Lane) -> None:
    """Wait until the export is done and download it; a link that has expired is asked for anew."""
    problem = ""
    for _ in range(_DOWNLOADS):
        address = await _finished(transport, status_path, what, lane)
        file.seek(0)
        file.truncate()
        try:
            # The link needs no token, and may lead to another host, which must not get it.
            async with aiohttp.ClientSession() as session, session.get(address) as answer:
                problem = f"the download answered HTTP {answer.status}"
                if answer.status == 200:
                    async for piece in answer.content.iter_chunked(_PIECE):
                        file.write(piece)
                    return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            problem = describe_fault(error)
    raise ExportFailed(what, problem)


async def _finished(transport: Transport, path: str, what: str, lane: Lane) -> str:
    waited, pause = 0.0, FIRST_WAIT
    while True:
        answer = await transport.get_json(path, lane=lane)
        status, address = str(answer.get("status") or ""), answer.get("result")
        if status == "COMPLETE" and isinstance(address, str):
            return address
        if status not in _UNFINISHED:
            raise ExportFailed(what, f"its status is {status or 'missing'}")
        if waited >= LONGEST_WAIT:
            raise ExportFailed(what, f"it was not done after {waited / 3600:.0f} hours")
        await transport.policy.sleep(pause)
        waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE)


def _pages(file: IO[bytes], export: Export, what: str) -> Iterator[Records]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with _tables(file) as tables:
            for table in tables:
                rows = csv.reader(io.TextIOWrapper(table, "utf-8-sig", newline=""), strict=True)
                header = next(rows, [])
                record_of = _reader(header, export, what)
                page: list[Json] = []
                for row in rows:
                    page.append(record_of(row))
                    if len(page) == PAGE:
                        yield Records.of(page)
                        page = []
                if page:
                    yield Records.of(page)
    except (csv.Error, UnicodeDecodeError, zipfile.BadZipFile, EOFError) as error:
        raise ExportFailed(what, f"its file is broken ({type(error).__name__})") from error


@contextmanager
def _tables(file: IO[bytes]) -> Iterator[list[IO[bytes]]]:
    """Open the CSV file, or every CSV file of the ZIP that a large export is."""
    file.seek(0)
    with ExitStack() as opened:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            yield [file]
            return
        archive = opened.enter_context(zipfile.ZipFile(file))
        yield [opened.enter_context(archive.open(name)) for name in sorted(archive.namelist())]


def _reader(header: Sequence[str], export: Export, what: str) -> Callable[[Sequence[str]], Json]:
    """Return what makes a record of a row; a row of another length is a record without an id."""
    places = {name: place for place, name in enumerate(header)}
    id_place = next((places[name] for name in _ID_COLUMNS if name in places), None)
    absent = [name for name in export.properties if name not in places]
    if id_place is None or absent:
        raise ExportFailed(what, f"its file lacks columns: {', '.join(absent[:5]) or 'the record id'}")
    wanted = [(name, places[name], name in export.moments) for name in export.properties]
    obj = export.object

    def record_of(row: Sequence[str]) -> Json:
        if len(row) != len(header):
            return {"row": list(row)}
        values = {
            name: (in_utc(row[place], export.zone) if moment else row[place]) or None for name, place, moment in wanted
        }
        return {
            "id": row[id_place],
            "properties": values,
            "createdAt": values.get(obj.created_property),
            "updatedAt": _just_before(values.get(obj.modified_property)),
            "archived": False,
        }

    return record_of


def _just_before(time: str | None) -> str | None:
    """Return the last millisecond before a time, so that no record told by the API is as old as its exported copy."""
    try:
        moment = datetime.fromisoformat(time or "")
    except ValueError:
        return time
    return _api_text(moment - timedelta(milliseconds=1))


def _api_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_utc(text: str, zone: ZoneInfo) -> str:
    """Return a time of the portal's clock as HubSpot's API would tell it; a text that is none stays as it is.

    Of the hour that the clock shows twice in autumn it is the first: an hour early at most, never late.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return _api_text(moment.astimezone(UTC))
