"""Builds the table of a SQL model: read the warehouse, write beside, verify, swap.

Called by the Dagster assets and by nothing else that writes these tables; there is no second way. A table
whose new rows break a blocking check keeps its old rows.
"""

from dataclasses import dataclass
from datetime import datetime

from hubspot_platform.errors import PlatformError
from hubspot_platform.sql_models.header import GRAIN_UNIQUE, Check, Header, Materialization, Rule, Severity
from hubspot_platform.sql_models.model import Model, SourceColumn, without_columns
from hubspot_platform.sql_models.render import at, needs_as_of
from hubspot_platform.warehouse.errors import QueryRefused, RowsRefused
from hubspot_platform.warehouse.protocol import Session

PROPERTY_PREFIX = "property_"


@dataclass(frozen=True)
class CheckOutcome:
    """How many rows of the new table break one check."""

    check: Check
    violations: int

    @property
    def passed(self) -> bool:
        """Whether no row breaks the check."""
        return self.violations == 0

    @property
    def refuses(self) -> bool:
        """Whether the new rows may not replace the old ones."""
        return not self.passed and self.check.severity is Severity.ERROR


@dataclass(frozen=True)
class BuildOutcome:
    """What a build did; `missing` are the portal's properties the model names and the mirror does not
    have."""

    rows: int
    checks: tuple[CheckOutcome, ...]
    missing: tuple[SourceColumn, ...]


class UpstreamMissingError(PlatformError):
    """Tables the model reads are not in the warehouse yet; nothing was done."""

    def __init__(self, model: Model, tables: tuple[str, ...]) -> None:
        super().__init__(
            f"{model.qualified} reads {', '.join(tables)}, not yet in the warehouse",
            mend="run the assets that fill these tables first",
        )
        self.tables = tables


class ModelChecksFailedError(PlatformError):
    """The new rows break blocking checks; the table keeps its old rows. `outcomes` holds every check."""

    def __init__(self, model: Model, outcomes: tuple[CheckOutcome, ...]) -> None:
        broken = [f"{found.check.name} ({found.violations} rows)" for found in outcomes if found.refuses]
        super().__init__(
            f"{model.qualified}: the new rows break {', '.join(broken)}; the table keeps its old rows",
            mend="correct the source rows or the model, then materialise the asset again",
        )
        self.outcomes = outcomes


def build_model(session: Session, model: Model, as_of: datetime | None = None) -> BuildOutcome:
    """Replace the model's table by the rows of its select, or its view by the select, in one step or not at all.

    `as_of` is the time of the run, which a model that names `${as_of}` must be given: the same rows and the same
    time make the same table. A property the portal does not have is read as null and reported. Raises
    UpstreamMissingError before anything is written, ModelChecksFailedError when a blocking check refuses the rows,
    and what the warehouse raises.
    """
    missing = _missing_columns(session, model)
    is_table = model.header.materialized is Materialization.TABLE
    select = without_columns(model, frozenset(missing))
    if needs_as_of(select):
        if as_of is None:
            raise TypeError(f"{model.qualified} names ${{as_of}} and was given no time")
        select = at(select, as_of)
    outcomes: tuple[CheckOutcome, ...] = ()

    def verify(beside_session: Session, beside: str) -> int:
        nonlocal outcomes
        rows, outcomes = run_checks(beside_session, model.header, beside, keys_hold=is_table)
        if any(outcome.refuses for outcome in outcomes):
            raise ModelChecksFailedError(model, outcomes)
        return rows

    try:
        if is_table:
            rows = session.create_from_select(model.table, select, verify=verify)
        else:
            rows = session.create_view(model.table, select, verify=verify)
    except (RowsRefused, QueryRefused) as error:
        # The engine saw a null or a second row in the key before `verify` did; the checks say how many rows.
        _, found = run_checks(session, model.header, f"({select}\n)")
        if not any(outcome.refuses for outcome in found):
            raise
        raise ModelChecksFailedError(model, found) from error
    return BuildOutcome(rows, outcomes, missing)


def run_checks(
    session: Session, header: Header, relation: str, *, keys_hold: bool = False
) -> tuple[int, tuple[CheckOutcome, ...]]:
    """Count the rows of `relation` (a quoted table name or a query in brackets), and those that break each check.

    `keys_hold` says that the warehouse has refused nulls and repetitions in the grain already.
    """
    row_checks = [check for check in header.all_checks if check.rule is not Rule.UNIQUE]
    counts = ", ".join(
        f"cast(coalesce(sum(case when {_satisfied(check)} then 0 else 1 end), 0) as bigint) as c{position}"
        for position, check in enumerate(row_checks)
    )
    row = session.query(f"select count(*) as rows, {counts} from {relation} as checked").to_pylist()[0]
    violations = {check.name: int(row[f"c{position}"]) for position, check in enumerate(row_checks)}
    for check in header.all_checks:
        if check.name == GRAIN_UNIQUE and keys_hold:
            violations[check.name] = 0
        elif check.rule is Rule.UNIQUE:
            violations[check.name] = _repeated(session, check, relation)
    return int(row["rows"]), tuple(CheckOutcome(check, violations[check.name]) for check in header.all_checks)


def _satisfied(check: Check) -> str:
    if check.rule is Rule.NOT_NULL:
        return " and ".join(f"{column} is not null" for column in check.columns)
    if check.rule is Rule.ACCEPTED_VALUES:
        column = check.columns[0]
        return f"{column} is null or {column} in ({', '.join(check.values)})"
    return f"({check.expression})"


def _repeated(session: Session, check: Check, relation: str) -> int:
    """Count the rows whose columns equal those of another row; a null is unequal to everything."""
    columns = ", ".join(check.columns)
    present = " and ".join(f"{column} is not null" for column in check.columns)
    grouped = f"select count(*) as n from {relation} as checked where {present} group by {columns}"
    sql = f"select cast(coalesce(sum(n), 0) as bigint) as n from ({grouped} having count(*) > 1) as repeated"
    return int(session.query(sql).to_pylist()[0]["n"])


def _missing_columns(session: Session, model: Model) -> tuple[SourceColumn, ...]:
    stored = {read: session.columns(".".join(read)) for read in model.analysis.reads}
    absent = tuple(".".join(read) for read, columns in stored.items() if not columns)
    if absent:
        raise UpstreamMissingError(model, absent)
    readings = {reading.source for reading in model.analysis.readings}
    return tuple(
        sorted(
            source
            for source in readings
            if source.column.startswith(PROPERTY_PREFIX) and source.column not in stored[source.schema, source.table]
        )
    )
