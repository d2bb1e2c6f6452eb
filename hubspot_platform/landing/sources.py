"""Where landed tables come from, behind one small protocol: a folder, a PostgreSQL database, a BigQuery dataset.

`landing/land.py` reads a source a batch at a time, the values in whatever Arrow types it has; `landing/check.py` makes
of them what the contract says.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.settings import SOURCE_MEND
from hubspot_platform.urls import is_postgres

BATCH_ROWS = 20_000
STREAM_BYTES = 1 << 20  # how much of a Parquet column is read at once; by default Arrow keeps whole files


@dataclass(frozen=True)
class Batch:
    """Some rows of a table with all the columns its source has, and the texts of lines that are no rows at all."""

    rows: pa.Table
    unreadable: tuple[str, ...] = ()


class Source(Protocol):
    """Tables by name."""

    def place(self, table: str) -> str:
        """Return where the table is, for messages: a path or an address without password."""

    def read(self, table: str) -> Generator[Batch, None, None] | None:
        """Return the table's rows in batches, at least one so that its columns are known; None without the table.

        The generator is to be read to its end or closed. Raises SourceUnreadable, SourceUnavailable.
        """


def open_source(url: str, variable: str) -> Source:
    """Return the source of a URL without touching it; ConfigurationError names the variable the URL is from."""
    if url.startswith("dir://"):
        from hubspot_platform.landing.files import DirectorySource

        return DirectorySource(Path(url.removeprefix("dir://")).expanduser())
    if is_postgres(url):
        from hubspot_platform.landing.postgres import PostgresSource

        return PostgresSource(url)
    if url.startswith("bigquery://"):
        from hubspot_platform.landing.bigquery import BigQuerySource

        project, _, dataset = url.removeprefix("bigquery://").strip("/").partition("/")
        if project and dataset and "/" not in dataset:
            return BigQuerySource(project, dataset)
    raise ConfigurationError(variable, "names no source that can be landed", mend=SOURCE_MEND)
