"""What a SQL model is, as plain values: the product of `parse.py`, used by `build.py` and the Dagster assets.

Nothing here imports the SQL parser, so that a process whose models are all in the cache never loads it.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from hubspot_platform.sql_models.header import Header
from hubspot_platform.warehouse.model import Column, Table


@dataclass(frozen=True, order=True)
class SourceColumn:
    """A column of a table outside the model."""

    schema: str
    table: str
    column: str


@dataclass(frozen=True)
class Reading:
    """One place where a source column is written: `text[start:end]`, prefix included."""

    source: SourceColumn
    start: int
    end: int


@dataclass(frozen=True)
class Analysis:
    """What the parser tells of a rendered text: output columns, tables read, and where each column comes
    from."""

    columns: tuple[Column, ...]
    reads: tuple[tuple[str, str], ...]
    lineage: tuple[tuple[str, tuple[SourceColumn, ...]], ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Model:
    """One SQL file: one table, one asset. `sql` is the text with the business settings put in."""

    schema: str
    name: str
    header: Header
    sql: str
    analysis: Analysis

    @property
    def qualified(self) -> str:
        """The table's name as people write it: `schema.table`."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def code_version(self) -> str:
        """A hash of the rendered text: it changes with the file and with the settings the file names."""
        return text_hash(self.sql)

    @property
    def table(self) -> Table:
        """The warehouse table this model fills; its key is the grain."""
        header = self.header
        return Table(
            self.schema,
            self.name,
            self.analysis.columns,
            key=header.grain,
            description=header.description,
            indexes=header.indexes,
            identifiers=header.identifiers,
        )


def text_hash(text: str) -> str:
    """Return 16 hexadecimal digits that change with the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_of(schema: str, name: str) -> str:
    """Return how messages name the file of a model."""
    return f"sql/{schema}/{name}.sql"


def without_columns(model: Model, missing: frozenset[SourceColumn]) -> str:
    """Return the model's SQL with every reading of a missing column replaced by a null text."""
    sql = model.sql
    for reading in sorted(model.analysis.readings, key=lambda found: found.start, reverse=True):
        if reading.source in missing:
            sql = f"{sql[: reading.start]}cast(null as text){sql[reading.end :]}"
    return sql
