"""Turns the text of `sql/<schema>/<table>.sql` into a `Model`: what it reads and what it yields.

Pure; called by `store.py` for every file and by tests. The rule that makes a model's schema known from its
text: the outermost select casts every column, `cast(expression as type) as name`.
"""

from typing import NoReturn

import sqlglot
from sqlglot import exp

from hubspot_platform.sql_models.errors import HeaderError, SchemaError
from hubspot_platform.sql_models.header import Header, Materialization, Rule
from hubspot_platform.sql_models.lineage import line_of, trace
from hubspot_platform.sql_models.model import Analysis
from hubspot_platform.sql_models.render import needs_as_of
from hubspot_platform.warehouse.model import Column, LogicalType

PARSE_DIALECT = "postgres"

_PLAIN_TYPES = {
    exp.DataType.Type.TEXT: LogicalType.TEXT,
    exp.DataType.Type.BIGINT: LogicalType.INT,
    exp.DataType.Type.TIMESTAMPTZ: LogicalType.TIMESTAMP,
    exp.DataType.Type.DATE: LogicalType.DATE,
    exp.DataType.Type.BOOLEAN: LogicalType.BOOL,
    exp.DataType.Type.JSON: LogicalType.JSON,
}
_DECIMAL_TYPES = {
    ("38", "10"): LogicalType.DECIMAL,
    ("18", "4"): LogicalType.MONEY,
    ("38", "26"): LogicalType.EXACT,
}
TYPES_TEXT = "text, bigint, decimal(38, 10), decimal(18, 4), decimal(38, 26), timestamptz, date, boolean or json"


def logical_type(node: exp.DataType) -> LogicalType | None:
    """Return the logical type that a cast's target stands for, or None when models may not use it."""
    if node.this is exp.DataType.Type.DECIMAL:
        return _DECIMAL_TYPES.get(tuple(parameter.this.name for parameter in node.expressions))
    return None if node.expressions else _PLAIN_TYPES.get(node.this)


def analyse(sql: str, header: Header, file: str) -> Analysis:
    """Read a rendered text. Raises SchemaError or HeaderError with file and line."""
    query = parse_query(sql, file)
    if header.materialized is Materialization.VIEW and needs_as_of(sql):
        raise HeaderError(file, 1, "a view has no time of a run", mend="keep a table, or leave out ${as_of}")
    columns = _columns(query, header, file)
    lineage = trace(query, file)
    _check_header_names(header, {column.name: column for column in columns}, file)
    return Analysis(
        columns=columns,
        reads=tuple(sorted(lineage.tables)),
        lineage=tuple((name, tuple(sorted(sources))) for name, sources in lineage.outputs.items()),
        readings=tuple(lineage.readings),
    )


def parse_query(sql: str, file: str, dialect: str = PARSE_DIALECT) -> exp.Expr:
    """Return the tree of the one query in `sql`; raises SchemaError on anything else."""
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect=dialect) if statement is not None]
    except sqlglot.errors.SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        line = int(details[0].get("line") or 1)
        what = details[0].get("description") or str(error)
        problem = f"{dialect} cannot read this: {what}"
        raise SchemaError(file, line, problem, mend="correct the syntax") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise SchemaError(file, 1, "the file is not one query", mend="write one select, with CTEs before it")
    return statements[0]


def _columns(query: exp.Expr, header: Header, file: str) -> tuple[Column, ...]:
    if not isinstance(query, exp.Select):
        raise SchemaError(file, 1, "the outermost query is a union", mend="put the union into a CTE and select from it")
    notes = dict(header.column_notes)
    columns = []
    for projection in query.expressions:
        cast = projection.this if isinstance(projection, exp.Alias) else None
        kind = logical_type(cast.to) if type(cast) is exp.Cast else None
        if kind is None:
            problem = f"output column {projection.alias_or_name or projection.sql()} does not state its type"
            mend = f"write `cast(expression as type) as name` with {TYPES_TEXT}"
            raise SchemaError(file, line_of(projection), problem, mend=mend)
        name = projection.alias
        columns.append(Column(name, kind, notes.pop(name, ""), nullable=name not in header.grain))
    if notes:
        _unknown_column(file, 1, next(iter(notes)))
    return tuple(columns)


def _check_header_names(header: Header, columns: dict[str, Column], file: str) -> None:
    for name in header.grain:
        if name not in columns:
            _unknown_column(file, 1, name)
    _check_storage(header, columns, file)
    if header.partition is not None:
        if header.partition not in columns:
            _unknown_column(file, 1, header.partition)
        if columns[header.partition].type not in {LogicalType.DATE, LogicalType.TIMESTAMP}:
            raise HeaderError(file, 1, f"partition {header.partition} is no date or time", mend="name another column")
    for check in header.checks:
        named = check.columns
        if check.rule is Rule.EXPRESSION:
            named = tuple(column.name for column in _condition(check.expression, check.line, file))
        for name in named:
            if name not in columns:
                _unknown_column(file, check.line, name)


def _check_storage(header: Header, columns: dict[str, Column], file: str) -> None:
    if header.identifiers and header.materialized is Materialization.VIEW:
        raise HeaderError(file, 1, "a view stores no identifiers", mend="name them where they are stored")
    for name in header.identifiers:
        if name not in columns:
            _unknown_column(file, 1, name)
        if columns[name].type is not LogicalType.TEXT:
            raise HeaderError(file, 1, f"identifier {name} is no text", mend="name texts only")
    for index in header.indexes:
        if header.materialized is Materialization.VIEW:
            raise HeaderError(file, 1, f"a view has no index {index.name}", mend="index what it reads, or keep a table")
        if index.column not in columns:
            _unknown_column(file, 1, index.column)


def _condition(expression: str, line: int, file: str) -> list[exp.Column]:
    try:
        tree = sqlglot.parse_one(expression, dialect=PARSE_DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise HeaderError(file, line, f"cannot read the check {expression!r}", mend="write a condition") from error
    if tree.find(exp.Query):
        raise HeaderError(file, line, "a check looks at one row and takes no query", mend="compare columns")
    return list(tree.find_all(exp.Column))


def _unknown_column(file: str, line: int, name: str) -> NoReturn:
    raise HeaderError(file, line, f"the header names {name}, which is no output column", mend="correct the name")
