"""`hubspot-platform query`: SQL on the published warehouse copy."""

import csv
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from hubspot_platform.cli.output import Output, plain
from hubspot_platform.settings import load_settings


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def command(
    sql: Annotated[str, typer.Argument(help="one SELECT")],
    format_: Annotated[Format, typer.Option("--format", help="table, csv or json")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="same as --format json")] = False,
) -> None:
    """Read the published warehouse copy; never blocks and never changes anything."""
    from hubspot_platform.runtime import Platform

    platform = Platform(load_settings())
    with platform.warehouse().reader() as session:
        rows = session.query(sql)
    chosen = Format.JSON if as_json else format_
    output = Output(chosen is Format.JSON)
    if chosen is Format.JSON:
        output.result(rows.to_pylist())
    elif chosen is Format.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(rows.column_names)
        writer.writerows([_cell(value) for value in row.values()] for row in rows.to_pylist())
    else:
        shown = [["" if value is None else value for value in row.values()] for row in rows.to_pylist()]
        output.table(f"{rows.num_rows} rows", rows.column_names, shown)


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else plain(value)
