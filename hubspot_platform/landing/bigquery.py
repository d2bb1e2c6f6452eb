"""A BigQuery dataset as a source, through dagster-gcp's resource and the credentials of the environment.

Used through `sources.open_source`. Google's libraries are imported when a table is read: they take a second.
"""

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow as pa

from hubspot_platform.landing.errors import SourceUnavailable, SourceUnreadable
from hubspot_platform.landing.sources import BATCH_ROWS, Batch

if TYPE_CHECKING:
    from dagster_gcp import BigQueryResource

_MEND = "check GOOGLE_APPLICATION_CREDENTIALS and the role BigQuery Data Viewer"


class BigQuerySource:
    """See `Source`; tests give a resource whose client has another address."""

    def __init__(self, project: str, dataset: str, resource: "BigQueryResource | None" = None) -> None:
        self.project = project
        self.dataset = dataset
        self._resource = resource

    def place(self, table: str) -> str:
        """See `Source.place`."""
        return f"bigquery://{self.project}/{self.dataset}/{table}"

    def read(self, table: str) -> Generator[Batch, None, None] | None:
        """See `Source.read`."""
        batches = self._rows(table)
        first = next(batches, None)
        return None if first is None else _with_first(first, batches)

    def _rows(self, table: str) -> Generator[Batch, None, None]:
        """Yield nothing at all when the table does not exist."""
        from dagster_gcp import BigQueryResource
        from google.api_core.exceptions import GoogleAPIError, NotFound, ServerError
        from google.auth.exceptions import GoogleAuthError

        resource = self._resource or BigQueryResource(project=self.project)
        try:
            with resource.get_client() as client:
                try:
                    found = client.get_table(f"{self.project}.{self.dataset}.{table}")
                except NotFound:
                    return
                yield Batch(pa.table({column.name: pa.array([], pa.string()) for column in found.schema}))
                if found.table_type == "TABLE":
                    rows = client.list_rows(found, page_size=BATCH_ROWS)
                else:  # the rows of a view can be had by a query only
                    rows = client.query_and_wait(f"select * from `{found.reference}`", page_size=BATCH_ROWS)
                for batch in rows.to_arrow_iterable():
                    yield Batch(pa.Table.from_batches([batch]))
        except (ServerError, ConnectionError) as error:
            raise SourceUnavailable(f"{self.place(table)}: {type(error).__name__}", mend="try again") from error
        except (GoogleAPIError, GoogleAuthError) as error:
            raise SourceUnreadable(f"{self.place(table)}: {type(error).__name__}", mend=_MEND) from error


def _with_first(first: Batch, others: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    with closing(others):
        yield first
        yield from others
