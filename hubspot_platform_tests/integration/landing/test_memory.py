"""Memory stays flat while a table is read and checked: a batch is let go before the next one comes."""

from collections.abc import Generator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.files import DirectorySource
from hubspot_platform.landing.land import LandingReport, Work
from hubspot_platform.landing.sources import BATCH_ROWS, Batch
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings

LINK = CATALOGUE["product.company_to_client_id"]
BATCHES = 12


class Watched(DirectorySource):
    """A folder that notes how much Arrow holds each time a batch is asked for."""

    held: list[int]

    def read(self, table: str) -> Generator[Batch, None, None] | None:
        self.held = []
        batches = super().read(table)
        assert batches is not None
        return self._noted(batches)

    def _noted(self, batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
        for batch in batches:
            yield batch
            del batch
            self.held.append(pa.total_allocated_bytes())


def test_reading_holds_a_batch_whatever_the_size_of_the_table(tmp_path: Path) -> None:
    count = BATCH_ROWS * BATCHES
    moments = pa.array([1_777_593_600_000_000] * count, pa.timestamp("us", "UTC"))
    companies = pa.array([f"company {number:060d}" for number in range(count)])
    rows = pa.table({"company_id": companies, "client_id": companies, "linked_at": moments})
    pq.write_table(rows, tmp_path / f"{LINK.name}.parquet", use_dictionary=False)
    size = rows.nbytes
    del rows, companies, moments
    before = pa.total_allocated_bytes()
    source, platform = Watched(tmp_path), Platform(load_settings(platform_home=tmp_path / "home"))
    work = Work(platform, LINK, tmp_path, LandingReport(LINK.full_name, "here"))
    work.stage(source)
    assert work.report.rows_read == count
    assert len(source.held) == BATCHES
    assert max(source.held) - before < size / 3
