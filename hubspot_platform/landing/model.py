"""What the contract of a landed table is made of: columns with rules, and the table they make.

`contract.py` and `features.py` write the catalogue with `LandedTable` and `field`; all of `landing/` reads it.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

from hubspot_platform.warehouse.model import Column, LogicalType, Table

Origin = Literal["product", "predictions"]
Case = Literal["", "lower", "upper"]


@dataclass(frozen=True)
class Rule:
    """What the values of one column must be, beyond their type.

    `choices` are met whatever the case, and land as written here; `case` is applied before anything else is asked.
    `least` and `most` are themselves allowed.
    """

    choices: tuple[str, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    pattern: str = ""
    case: Case = ""


@dataclass(frozen=True)
class Field:
    """One column of a source and the rule of its values; one that may not be null must be in the source."""

    column: Column
    rule: Rule = Rule()

    @property
    def name(self) -> str:
        """The column's name, in the source and in the warehouse."""
        return self.column.name


@dataclass(frozen=True)
class LandedTable:
    """One table that is landed: where from, its columns, its key, and whether a source may lack it.

    Of rows with one key the newest by `newest_by` lands. `source_name` is what the source calls it.
    """

    schema: Origin
    name: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    required: bool = True
    newest_by: str = "updated_at"
    source_name: str = ""
    feeds: str = ""

    @property
    def in_source(self) -> str:
        """What the source calls the table."""
        return self.source_name or self.name

    @property
    def full_name(self) -> str:
        """The name people and the command line use: `product.company`."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def table(self) -> Table:
        """The warehouse table the rows land in."""
        columns = tuple(entry.column for entry in self.fields)
        return Table(self.schema, self.name, columns, key=self.key, description=self.description)

    def must_have(self, column: Column) -> bool:
        """Say whether a source without this column is refused."""
        return not column.nullable or column.name in self.key


def field(  # noqa: PLR0913 - a column's rules by name, one line each in the catalogue
    name: str,
    kind: str,
    description: str = "",
    *,
    choices: str = "",
    within: str = "",
    pattern: str = "",
    case: Case = "",
) -> Field:
    """Return a column.

    `kind` is a logical type, with `?` behind it when values may be null; `choices` are separated by blanks; `within`
    is `least..most`, either of them left out where there is no bound.
    """
    column = Column(name, LogicalType(kind.rstrip("?")), description, nullable=kind.endswith("?"))
    least, _, most = within.partition("..")
    return Field(column, Rule(tuple(choices.split()), _bound(least), _bound(most), pattern, case))


def _bound(text: str) -> Decimal | None:
    return Decimal(text) if text else None
