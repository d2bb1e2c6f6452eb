"""A folder as a source: one file a table, `<table>.parquet`, `<table>.csv` or `<table>.ndjson`.

The sandbox's product database is such a folder. Used through `sources.open_source`; `read_csv` also reads what
PostgreSQL's COPY sends.
"""

import codecs
import io
import json
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from hubspot_platform.landing.errors import SourceUnreadable
from hubspot_platform.landing.sources import BATCH_ROWS, STREAM_BYTES, Batch
from hubspot_platform.mirror.values import text_column

KINDS = (".parquet", ".csv", ".ndjson")
_BLOCK_BYTES = 8 << 20
_TOO_LONG = f"a row of more than {_BLOCK_BYTES >> 20} MB, or a quote that is opened and never closed"
_LONG_NUMBER = r"-?[0-9][0-9.]{15,}"  # a float may have lost some of so many digits
_IS_LONG = re.compile(_LONG_NUMBER)
_MAY_HAVE_LONG = re.compile(rb"[:,\[\s]" + _LONG_NUMBER.encode())


class DirectorySource:
    """See `Source`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, table: str) -> str:
        """See `Source.place`: the path of the table's file, or of the folder without one."""
        found = self._files(table)
        return str(found[0] if found else self.folder)

    def read(self, table: str) -> Generator[Batch, None, None] | None:
        """See `Source.read`; two files of one table are refused, nobody could say which one counts."""
        if not self.folder.is_dir():
            raise SourceUnreadable(f"{self.folder} is no folder", mend="correct the address of the source")
        found = self._files(table)
        if not found:
            return None
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            raise SourceUnreadable(f"{self.folder} has {names}", mend="keep one file a table")
        return _guarded(found[0])

    def _files(self, table: str) -> list[Path]:
        return [path for kind in KINDS if (path := self.folder / f"{table}{kind}").is_file()]


def _guarded(path: Path) -> Generator[Batch, None, None]:
    read = {".parquet": _parquet, ".csv": _csv, ".ndjson": _ndjson}[path.suffix]
    with _named(str(path)):
        yield from read(path)


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Raise what is wrong with the bytes of a source as SourceUnreadable, with the place and the reason."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise SourceUnreadable(f"{place}: not UTF-8 text", mend="write it as UTF-8, not compressed") from error
    except (pa.ArrowException, OSError) as error:
        raise SourceUnreadable(f"{place}: {_reason(error)}", mend="mend it at the source, or write it again") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).partition("\n")[0]
    if "straddles two block boundaries" in text:
        return _TOO_LONG
    if text.startswith("CSV"):  # what follows may repeat a row with personal values
        text = text.partition(":")[0]
    return text or type(error).__name__


def _parquet(path: Path) -> Generator[Batch, None, None]:
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=STREAM_BYTES) as file:
        empty = True
        for batch in file.iter_batches(BATCH_ROWS):
            empty = False
            yield Batch(pa.Table.from_batches([batch]))
        if empty:
            yield Batch(file.schema_arrow.empty_table())


def _csv(path: Path) -> Generator[Batch, None, None]:
    with path.open("rb") as lines:
        yield from read_csv(lines, str(path))


def read_csv(lines: IO[bytes], place: str) -> Generator[Batch, None, None]:
    """Yield the rows of a CSV with a header, every column as text, an empty field as null.

    Lines with another number of fields than the header are unreadable ones. Raises SourceUnreadable with `place`, at
    the end for a quote that is never closed: it makes one value of all the rows behind it.
    """
    unreadable: list[str] = []

    def skip(row: Any) -> str:
        unreadable.append(row.text or "")
        return "skip"

    text = _Text(lines)
    with _named(place):
        reader = _open_csv(text, skip, place)
        yield Batch(reader.schema.empty_table())
        for batch in reader:
            rows = pa.Table.from_batches([batch])
            yield Batch(rows, tuple(unreadable))
            unreadable.clear()
    if text.quotes % 2:
        raise SourceUnreadable(
            f"{place}: a quote is opened and never closed",
            mend='close it; a value that has a quote is written in quotes, its own ones twice: "5"" pipe"',
        )
    if unreadable:
        yield Batch(reader.schema.empty_table(), tuple(unreadable))


def _open_csv(text: "_Text", skip: Any, place: str) -> arrow_csv.CSVStreamingReader:
    try:
        return arrow_csv.open_csv(
            text,
            read_options=arrow_csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                default_column_type=pa.string(), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        if not text.is_blank:
            raise
        mend = "write the names of the columns first"
        raise SourceUnreadable(f"{place}: a CSV without a header line", mend=mend) from error


class _Text(io.RawIOBase):
    """The bytes of a CSV on their way to the parser: they must be UTF-8, and what only the whole can tell is noted.

    `lines` gives less than it is asked for at its end only, as buffered files do.
    """

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._end = io.BytesIO(b"\n")  # the parser does not see a header that no line end follows
        self.quotes = 0
        self.is_blank = True

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._lines.read(size)
        self._decoder.decode(block, final=not block)
        self.quotes += block.count(b'"')
        self.is_blank = self.is_blank and not block.strip()
        return block if len(block) == size else block + self._end.read()


def _ndjson(path: Path) -> Generator[Batch, None, None]:
    with path.open("rb") as lines:
        if lines.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            lines.seek(0)
        filled = (line for line in lines if line.strip())
        while part := list(islice(filled, BATCH_ROWS)):
            yield _from_lines(part)


def _from_lines(lines: Sequence[bytes]) -> Batch:
    records: list[dict[str, Any]] = []
    unreadable: list[str] = []
    for line in lines:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            record = None
        if isinstance(record, dict):
            records.append(_exact(line) if _MAY_HAVE_LONG.search(line) else record)
        else:
            unreadable.append(line.decode(errors="replace").strip())
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: text_column([record.get(name) for record in records]) for name in names}
    return Batch(pa.table(columns), tuple(unreadable))


def _exact(line: bytes) -> dict[str, Any]:
    """Return a record whose long numbers have all their digits; orjson makes floats of them."""
    record: dict[str, Any] = json.loads(line, parse_int=_number, parse_float=_number)
    return record


def _number(text: str) -> Any:
    return orjson.Fragment(text) if _IS_LONG.match(text) else orjson.loads(text)
