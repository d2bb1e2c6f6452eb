"""Landing one table or all: read, check, decide between rows of one key, and put the new table in the old one's place.

`hubspot-platform land` and the assets `product/*` and `predictions/*` call `land`. Reading and checking happen before
the warehouse is opened, on files in the home folder, so memory stays flat; then everything changes in one transaction.
"""

import logging
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hubspot_platform.errors import ConfigurationError, PlatformError
from hubspot_platform.landing.check import (
    DUPLICATE_KEY,
    ROW_NUMBER,
    UNREADABLE,
    Match,
    Rejected,
    check_rows,
    match_columns,
    refuse_missing,
    rejected_rows,
)
from hubspot_platform.landing.contract import REJECTED_ROW
from hubspot_platform.landing.doubles import Doubles, find_doubles
from hubspot_platform.landing.errors import FarFewerRows, LandingError, MissingTable, SourceUnreadable
from hubspot_platform.landing.model import LandedTable, Origin
from hubspot_platform.landing.sources import BATCH_ROWS, STREAM_BYTES, Batch, Source, open_source
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import SOURCE_MEND, Settings
from hubspot_platform.state import leases
from hubspot_platform.state.holders import holder_name
from hubspot_platform.warehouse import Session, Table, quote

logger = logging.getLogger(__name__)

LEASE_TIME = timedelta(seconds=60)
SMALL_LOSS = 25
BESIDE = "__landing_"


@dataclass
class LandingReport:
    """What one landing did; rows read = landed + rejected + superseded."""

    table: str
    place: str
    rows_read: int = 0
    rows_landed: int = 0
    rows_superseded: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    absent_columns: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    warning: str = ""
    seconds: float = 0.0

    @property
    def rows_rejected(self) -> int:
        """How many rows broke the contract."""
        return self.rejected.total()

    def as_json(self) -> dict[str, object]:
        """Return the report for machines."""
        return {**vars(self), "rejected": dict(self.rejected), "rows_rejected": self.rows_rejected}


@dataclass(frozen=True)
class Landing:
    """The outcome for one table: a report, or the error that left the table as it was."""

    entry: LandedTable
    report: LandingReport | None = None
    error: PlatformError | None = None


def source_of(settings: Settings, schema: Origin) -> Source | None:
    """Return the source of `product` or `predictions`; None when its setting is empty."""
    url = settings.product_source if schema == "product" else settings.predictions_source
    return open_source(url, variable_of(schema)) if url else None


def variable_of(schema: Origin) -> str:
    """Return the setting that names the schema's source."""
    return f"{schema.upper()}_SOURCE"


def look(settings: Settings, entry: LandedTable) -> str:
    """Say what the table's source has of it, without landing; raises MissingTable and the errors of sources."""
    source = source_of(settings, entry.schema)
    if source is None:
        return f"{variable_of(entry.schema)} is not set, no {entry.schema} tables"
    batches, place = source.read(entry.in_source), source.place(entry.in_source)
    if batches is None:
        raise _missing(entry, place)
    with closing(batches):
        first = next(batches, None)
    if first is not None:
        refuse_missing(entry, match_columns(entry, first.rows.column_names, place), place)
    return place


def _missing(entry: LandedTable, place: str) -> MissingTable:
    return MissingTable(
        f"{place}: table {entry.full_name} is not there",
        mend=f"provide {entry.in_source}; docs/landing.md lists its columns",
    )


def land(
    platform: Platform,
    entries: Sequence[LandedTable],
    *,
    run_id: str,
    accept_fewer: bool = False,
    listen: Callable[[Landing], None] = lambda _: None,
) -> list[Landing]:
    """Land tables one after the other and publish the warehouse; one that fails does not stop the others.

    Only one landing of a table runs at a time for a warehouse. ConfigurationError when the source of one of the tables
    is not set; everything else is the error of its table.
    """
    sources: dict[Origin, Source] = {}
    for schema in dict.fromkeys(entry.schema for entry in entries):
        source = source_of(platform.settings, schema)
        if source is None:
            raise ConfigurationError(variable_of(schema), "is not set", mend=SOURCE_MEND)
        sources[schema] = source
    outcomes = []
    warehouse_id = platform.warehouse().identity()
    for entry in entries:
        lease = leases.held(
            platform.state(),
            f"land:{warehouse_id}:{entry.full_name}",
            holder=holder_name(run_id),
            ttl=LEASE_TIME,
            wait=LEASE_TIME,
        )
        try:
            with lease:
                outcome = Landing(entry, _land_table(platform, entry, sources[entry.schema], accept_fewer=accept_fewer))
        except PlatformError as error:
            outcome = Landing(entry, error=error)
        except Exception as error:  # noqa: BLE001 - logged, and the error of its table
            outcome = Landing(entry, error=_unexpected(entry, error))
        outcomes.append(outcome)
        listen(outcome)
    if any(outcome.report for outcome in outcomes):
        platform.warehouse().publish()
    return outcomes


def _unexpected(entry: LandedTable, error: Exception) -> LandingError:
    """Return what nobody thought of as the error of its table, so that it is no error of the tables behind it.

    Neither it nor the log has the error's text, which may repeat a row with personal values.
    """
    kind, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s could not be landed: %s\n%s", entry.full_name, kind, where)
    return LandingError(f"{entry.full_name}: {kind}", mend="the log says where")


def _land_table(platform: Platform, entry: LandedTable, source: Source, *, accept_fewer: bool) -> LandingReport:
    """Replace one table by what the source has; when it raises, the table and its rejected rows are as they were.

    Raises MissingTable, MissingColumn, SourceUnreadable, SourceUnavailable, FarFewerRows (not with `accept_fewer`) and
    the warehouse's errors.
    """
    started = time.monotonic()
    report = LandingReport(entry.full_name, source.place(entry.in_source))
    platform.settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="landing-", dir=platform.settings.home) as folder:
        work = Work(platform, entry, Path(folder), report)
        work.stage(source)
        work.settle_doubles()
        work.store(accept_fewer=accept_fewer)
    report.seconds = round(time.monotonic() - started, 2)
    return report


@dataclass
class Work:
    """One landing: files of checked and of rejected rows in `folder`, then the warehouse."""

    platform: Platform
    entry: LandedTable
    folder: Path
    report: LandingReport
    doubles: Doubles = field(default_factory=Doubles)

    def __post_init__(self) -> None:
        self.now = self.platform.clock()
        self.rows_file = self.folder / "rows.parquet"
        self.rejected_file = self.folder / "rejected.parquet"

    def stage(self, source: Source) -> None:
        """Read and check everything; nothing is kept in memory but a batch."""
        batches = source.read(self.entry.in_source)
        if batches is None:
            if self.entry.required:
                raise _missing(self.entry, self.report.place)
            self.report.warning = f"the source has no {self.entry.in_source}: the table is empty"
            return
        # A generator that is not read to its end holds a file or a connection.
        with closing(batches), self._writers() as (rows, rejected):
            known = False
            for batch in batches:
                # Lines of NDJSON need not have the same columns: those of the first batch say what the source has.
                found = match_columns(self.entry, batch.rows.column_names, self.report.place)
                if not known and batch.rows.num_columns:
                    refuse_missing(self.entry, found, self.report.place)
                    self.report.absent_columns, self.report.ignored_columns = found.absent, found.ignored
                    known = True
                self._take(batch, found, rows, rejected)
        if self.report.rows_read and not known:
            message = f"{self.report.place}: none of its lines is a row"
            raise SourceUnreadable(message, mend="write one JSON object a line")

    @contextmanager
    def _writers(self) -> Iterator[tuple[pq.ParquetWriter, pq.ParquetWriter]]:
        with (
            pq.ParquetWriter(self.rows_file, _empty(self.entry.table).schema) as rows,
            pq.ParquetWriter(self.rejected_file, REJECTED_ROW.arrow_schema()) as rejected,
        ):
            yield rows, rejected

    def _take(self, batch: Batch, match: Match, rows: pq.ParquetWriter, rejected: pq.ParquetWriter) -> None:
        first = self.report.rows_read + 1
        if batch.rows.num_rows:
            checked = check_rows(self.entry, match, batch.rows, first, self.now)
            rows.write_table(checked.rows)
            self._reject(checked.rejected, rejected)
        first += batch.rows.num_rows
        lines = [Rejected(first + n, {"line": text}, UNREADABLE) for n, text in enumerate(batch.unreadable)]
        self._reject(rejected_rows(self.entry, lines, self.now), rejected)
        self.report.rows_read += batch.rows.num_rows + len(lines)

    def _reject(self, found: pa.Table, writer: pq.ParquetWriter) -> None:
        if found.num_rows:
            writer.write_table(found)
            self.report.rejected.update(found["reason"].to_pylist())

    def settle_doubles(self) -> None:
        """Decide which of several rows with one key lands."""
        if self.rows_file.exists() and self.entry.key:
            self.doubles = find_doubles(self.entry, self.rows_file, self.folder)
            self.report.rows_superseded = len(self.doubles.superseded)
            self.report.rejected[DUPLICATE_KEY] += len(self.doubles.undecided)
            self.report.rejected = +self.report.rejected

    def store(self, *, accept_fewer: bool) -> None:
        """Put the new table and its rejected rows in the place of the old ones, in one transaction."""
        table = self.entry.table
        rejected = self._settled()
        names = ", ".join(map(quote, table.column_names))
        with self.platform.warehouse().writer() as session, session.transaction():
            self._refuse_far_fewer(session, accept_fewer=accept_fewer)
            session.ensure(REJECTED_ROW)
            session.execute("delete from product.rejected_row where table_name = ?", [self.entry.full_name])
            for batch in chain(_batches(self.rejected_file), rejected):
                session.load(REJECTED_ROW, batch)
            with self._relation(session) as relation:
                session.create_from_select(table, f"select {names} from {relation}")

    def _settled(self) -> list[pa.Table]:
        """Take the rows that do not land out of the file and return those that are rejected."""
        dropped, rejected = self.doubles.dropped, []
        if not self.rows_file.exists():
            pq.write_table(_empty(self.entry.table), self.rows_file)
        if len(dropped):
            kept = self.folder / "kept.parquet"
            with pq.ParquetWriter(kept, _empty(self.entry.table).schema) as writer:
                for batch in _batches(self.rows_file):
                    unwanted = pc.is_in(batch[ROW_NUMBER], value_set=dropped)
                    rejected.append(self._undecided(batch.filter(unwanted)))
                    writer.write_table(batch.filter(pc.invert(unwanted)))
            self.rows_file = kept
        self.report.rows_landed = pq.read_metadata(self.rows_file).num_rows
        return rejected

    def _undecided(self, rows: pa.Table) -> pa.Table:
        undecided = rows.filter(pc.is_in(rows[ROW_NUMBER], value_set=self.doubles.undecided))
        found = [Rejected(row.pop(ROW_NUMBER), row, DUPLICATE_KEY) for row in undecided.to_pylist()]
        return rejected_rows(self.entry, found, self.now)

    @contextmanager
    def _relation(self, session: Session) -> Iterator[str]:
        """Yield what to select the rows from: DuckDB reads the file, a server gets the rows beside the table first."""
        if session.dialect == "duckdb":
            path = str(self.rows_file).replace("'", "''")
            yield f"read_parquet('{path}')"
            return
        table = self.entry.table
        beside = Table(table.schema, f"{BESIDE}{table.name}", table.columns)
        session.execute(f"drop table if exists {beside.qualified}")
        session.ensure(beside)
        for batch in _batches(self.rows_file):
            session.load(beside, batch.drop_columns([ROW_NUMBER]))
        yield beside.qualified
        session.execute(f"drop table {beside.qualified}")

    def _refuse_far_fewer(self, session: Session, *, accept_fewer: bool) -> None:
        if accept_fewer or not session.columns(self.entry.table):
            return
        stored = session.query(f"select count(*) as n from {self.entry.table.qualified}")["n"][0].as_py()
        lost = stored - self.report.rows_landed
        if lost > SMALL_LOSS and lost > self.platform.business.thresholds.vanished_share_guard * stored:
            raise FarFewerRows(
                f"{self.report.place}: {self.entry.full_name} would go from {stored:,} rows to "
                f"{self.report.rows_landed:,}",
                mend=f"when that is right: hubspot-platform land {self.entry.full_name} --accept-fewer-rows",
            )


def _empty(table: Table) -> pa.Table:
    """Return no rows, with the columns of the file of checked rows."""
    columns = [column.with_nullable(True) for column in table.arrow_schema()]
    return pa.schema([*columns, pa.field(ROW_NUMBER, pa.int64())]).empty_table()


def _batches(path: Path) -> Iterator[pa.Table]:
    if not path.exists():
        return
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=STREAM_BYTES) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            yield pa.Table.from_batches([batch])
