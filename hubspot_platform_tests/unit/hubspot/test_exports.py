"""Files of exports become records as the list endpoint tells them; what is broken fails by name or is set aside."""

import io
import zipfile
from zoneinfo import ZoneInfo

import pytest

from hubspot_platform.hubspot.catalogue import CONTACT
from hubspot_platform.hubspot.exports import Export, ExportFailed, _pages, in_utc
from hubspot_platform.hubspot.records import Records

NAMES = ("email", "createdate", "lastmodifieddate", "firstname")
ZONE = ZoneInfo("Europe/Berlin")
EXPORT = Export(CONTACT, NAMES, frozenset({"createdate", "lastmodifieddate"}), ZONE)
HEADER = "Record ID,hs_object_id,email,createdate,lastmodifieddate,firstname\n"


def read(content: bytes) -> list[Records]:
    return list(_pages(io.BytesIO(content), EXPORT, "export 1"))


def test_a_row_becomes_a_record_with_times_in_utc_and_nothing_for_empty_values() -> None:
    rows = '7,7,a@x.com,2026-07-01 14:05,2026-12-01 14:05,"Zoë, ""Z""\nnext"\n8,8,,,,\n'
    (page,) = read(b"\xef\xbb\xbf" + (HEADER + rows).encode())
    first, second = page
    assert first == {
        "id": "7",
        "properties": {
            "email": "a@x.com",
            "createdate": "2026-07-01T12:05:00.000Z",
            "lastmodifieddate": "2026-12-01T13:05:00.000Z",
            "firstname": 'Zoë, "Z"\nnext',
        },
        "createdAt": "2026-07-01T12:05:00.000Z",
        "updatedAt": "2026-12-01T13:04:59.999Z",
        "archived": False,
    }
    assert (second["properties"], second["updatedAt"]) == (dict.fromkeys(NAMES), None)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-10-25 02:30", "2026-10-25T00:30:00.000Z"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00.000Z"),
        ("2026-01-01T00:00:00.123Z", "2026-01-01T00:00:00.123Z"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_a_time_of_the_portals_clock_is_told_in_utc_and_never_too_late(local: str, utc: str) -> None:
    assert in_utc(local, ZONE) == utc


def test_a_large_export_is_a_zip_of_several_files() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in (1, 2):
            archive.writestr(f"all-{number}.csv", f"{HEADER}{number},{number},,,,\n")
    assert [list(page.ids) for page in read(packed.getvalue())] == [[1], [2]]


def test_a_row_of_another_length_or_without_an_id_is_set_aside() -> None:
    (page,) = read((HEADER + "1,1,,,,\n2,2\nx,x,,,,\n").encode())
    assert list(page.ids) == [1]
    assert len(page.nameless) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Record ID,email\n1,a\n", "lacks columns: createdate"),
        (b"email,createdate,lastmodifieddate,firstname\n,,,\n", "the record id"),
        (b"", "lacks columns"),
        ((HEADER + '1,1,"never ended').encode(), "broken"),
        (HEADER.encode() + b"1,1,\xff,,,\n", "broken"),
    ],
)
def test_a_file_that_is_not_what_was_asked_for_fails_with_what_is_wrong(content: bytes, says: str) -> None:
    with pytest.raises(ExportFailed, match=says) as caught:
        read(content)
    assert "--via export" in caught.value.mend
