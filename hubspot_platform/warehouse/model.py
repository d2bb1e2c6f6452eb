"""What a warehouse table is: logical types, columns, tables and the counts of a merge.

Table specs in `mirror/` and `assets/` are written with these values, and every warehouse engine reads them. One
logical type has exactly one Arrow type, so that rows look the same whichever engine holds them.
"""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class LogicalType(StrEnum):
    """The types a warehouse column may have; engines map them to their own."""

    TEXT = "text"
    INT = "int"
    DECIMAL = "decimal"
    MONEY = "money"
    EXACT = "exact"
    DOUBLE = "double"
    TIMESTAMP = "timestamp"
    DATE = "date"
    BOOL = "bool"
    JSON = "json"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of a column of this type; JSON travels as text."""
        return _ARROW[self]


_ARROW: dict[LogicalType, pa.DataType] = {
    LogicalType.TEXT: pa.string(),
    LogicalType.INT: pa.int64(),
    LogicalType.DECIMAL: pa.decimal128(38, 10),
    LogicalType.MONEY: pa.decimal128(18, 4),
    LogicalType.EXACT: pa.decimal128(38, 26),
    LogicalType.DOUBLE: pa.float64(),
    LogicalType.TIMESTAMP: pa.timestamp("us", "UTC"),
    LogicalType.DATE: pa.date32(),
    LogicalType.BOOL: pa.bool_(),
    LogicalType.JSON: pa.string(),
}


def quote(identifier: str) -> str:
    """Return the identifier quoted for SQL, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


@dataclass(frozen=True)
class Column:
    """One column of a table; key columns are never null, whatever `nullable` says."""

    name: str
    type: LogicalType
    description: str = ""
    nullable: bool = True


@dataclass(frozen=True)
class Index:
    """An index on one column, for engines that look rows up by one: PostgreSQL. Its name is unique in the schema."""

    name: str
    column: str


@dataclass(frozen=True)
class Table:
    """One table: schema, name, columns in order, and the key that makes a row unique (empty: rows only append).

    `identifiers` are text columns whose values rarely repeat: DuckDB writes them in half the time when it does not
    look for repetitions.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    description: str = ""
    indexes: tuple[Index, ...] = ()
    identifiers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name.lower() for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise ValueError(f"{self.schema}.{self.name} has columns that differ in case at most: {', '.join(twice)}")
        missing = [name for name in self.key if self.columns and name.lower() not in names]
        if missing:
            raise ValueError(f"{self.schema}.{self.name}: key columns it does not have: {', '.join(missing)}")

    @property
    def qualified(self) -> str:
        """The table's name in SQL: `"schema"."name"`."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.schema}.{self.name} has no column {name}")

    def arrow_schema(self) -> pa.Schema:
        """Return the Arrow schema of the table's rows."""
        return pa.schema([pa.field(c.name, c.type.arrow, c.nullable and c.name not in self.key) for c in self.columns])


@dataclass(frozen=True)
class MergeCounts:
    """What became of the rows given to a merge; the five add up to their number."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    deduplicated: int = 0

    @property
    def total(self) -> int:
        """The number of rows that were given."""
        return self.inserted + self.updated + self.unchanged + self.stale + self.deduplicated

    def __add__(self, other: "MergeCounts") -> "MergeCounts":
        return MergeCounts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.stale + other.stale,
            self.deduplicated + other.deduplicated,
        )
