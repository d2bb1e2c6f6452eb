"""A folder as a source: one file a table, `<table>.parquet`, `<table>.csv` or `<table>.ndjson`.

The sandbox's product database is such a folder. Used through `sources.open_source`; `read_csv` also reads what
PostgreSQL's COPY sends.
"""

import csv
from collections.abc import Generator, Sequence
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
    try:
        yield from read(path)
    except (pa.ArrowException, OSError, csv.Error, UnicodeDecodeError) as error:
        raise SourceUnreadable(f"{path}: {_first_line(error)}", mend="write the file again") from error


def _first_line(error: Exception) -> str:
    """Return the kind of error; its text may repeat a row with personal values."""
    return type(error).__name__ if not isinstance(error, OSError) else str(error.strerror or type(error).__name__)


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
        yield from read_csv(lines)


def read_csv(lines: IO[bytes]) -> Generator[Batch, None, None]:
    """Yield the rows of a CSV with a header, every column as text, an empty field as null.

    Lines with another number of fields than the header are unreadable ones.
    """
    unreadable: list[str] = []

    def skip(row: Any) -> str:
        unreadable.append(row.text or "")
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            lines,
            read_options=arrow_csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                default_column_type=pa.string(), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceUnreadable("a CSV without a header line", mend="write the names of the columns first") from error
    yield Batch(reader.schema.empty_table())
    for batch in reader:
        rows = pa.Table.from_batches([batch])
        yield Batch(rows, tuple(unreadable))
        unreadable.clear()
    if unreadable:
        yield Batch(reader.schema.empty_table(), tuple(unreadable))


def _ndjson(path: Path) -> Generator[Batch, None, None]:
    with path.open("rb") as lines:
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
            records.append(record)
        else:
            unreadable.append(line.decode(errors="replace").strip())
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: text_column([record.get(name) for record in records]) for name in names}
    return Batch(pa.table(columns), tuple(unreadable))
