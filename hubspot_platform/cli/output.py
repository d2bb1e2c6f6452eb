"""How commands talk: people get tables and progress on stderr and stdout, machines get one JSON document.

Every command returns its result through `Output`; `run` in `cli/main.py` turns errors into exit codes.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from hubspot_platform.mirror.report import SyncReport


def plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


@dataclass(frozen=True)
class Output:
    """Where a command writes; with `as_json` stdout holds the result document and nothing else."""

    as_json: bool

    @property
    def console(self) -> Console:
        """The console for people: stderr when stdout belongs to machines."""
        return Console(stderr=self.as_json, highlight=False)

    def say(self, text: str) -> None:
        """Print a line for people."""
        self.console.print(text, soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table for people; numbers are right-aligned."""
        table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
        for position, column in enumerate(columns):
            numeric = bool(rows) and all(isinstance(row[position], int | float | Decimal) for row in rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
        self.console.print(table)

    def result(self, document: Mapping[str, Any] | Sequence[Any]) -> None:
        """Print the result document when a machine asked for it."""
        if self.as_json:
            json.dump(document, sys.stdout, default=plain, ensure_ascii=False)
            sys.stdout.write("\n")


class SyncProgress:
    """Shows running syncs: bars on a terminal, a plain line now and then otherwise."""

    PLAIN_EVERY = 10_000

    def __init__(self, progress: Progress | None, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._tasks: dict[str, Any] = {}
        self._said: dict[str, int] = {}

    def __call__(self, report: "SyncReport") -> None:
        """Take the newest state of one sync."""
        self.update(report.object, report.objects_read, report.portal_total, done=report.finished_at is not None)

    def update(self, name: str, read: int, total: int | None, *, done: bool) -> None:
        """Show how far one sync is."""
        if self._progress is not None:
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, total=total)
            ceiling = read if done else max(total or 0, read) or None
            self._progress.update(self._tasks[name], completed=read, total=ceiling)
        elif done or read - self._said.get(name, 0) >= self.PLAIN_EVERY:
            self._said[name] = read
            self._console.print(f"{name}: {read:,} records read{', done' if done else ''}")


@contextmanager
def sync_progress(output: Output) -> Iterator[SyncProgress]:
    """Yield a listener for sync reports that shows them while the block runs."""
    console = output.console
    if not console.is_terminal:
        yield SyncProgress(None, console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield SyncProgress(progress, console)
