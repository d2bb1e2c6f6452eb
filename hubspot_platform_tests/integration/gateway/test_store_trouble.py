"""When events cannot be stored nobody is told 200: senders keep them and come again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from hubspot_platform.gateway import storing
from hubspot_platform.gateway.conditions import INBOX_FULL, STORE_DOWN
from hubspot_platform_tests.support.gateway import Running, event, running_gateway


@contextmanager
def locked(running: Running) -> Iterator[None]:
    """Keep everybody else from writing to the inbox."""
    settings = running.gateway._settings  # type: ignore[union-attr]
    engine = sa.create_engine(settings.state.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("lock table ops.webhook_event in exclusive mode"))
        else:
            connection.exec_driver_sql("begin exclusive")
        yield
        connection.rollback()
    engine.dispose()


def conditions(running: Running) -> list[str]:
    assert running.gateway is not None
    return [seen.topic.condition for seen in running.gateway.conditions.due(running.store.now())]


def test_case_016_a_locked_store_is_a_503_within_two_seconds(gateway: Running) -> None:
    with locked(gateway):
        started = time.monotonic()
        refused = gateway.deliver([event(1)])
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - started < 2.5
        began = time.monotonic()
        assert gateway.deliver([event(1)]).status_code == 503
        assert time.monotonic() - began < storing.STORE_SECONDS / 2, "for a moment nobody waits for the store again"
    deadline = time.monotonic() + 10
    while gateway.deliver([event(1)]).status_code != 200:
        assert time.monotonic() < deadline, "the store is open again"
    assert len(gateway.rows()) == 1
    assert STORE_DOWN.name in conditions(gateway)


def test_case_016_while_the_store_is_down_deliveries_do_not_wait_for_it(tmp_path: Path) -> None:
    with running_gateway(tmp_path, f"sqlite:///{tmp_path / 's.sqlite'}") as gateway:
        gateway.store.close()
        assert [gateway.deliver([event(1)]).status_code for _ in range(2)] == [503, 503]
        assert gateway.http.get(f"{gateway.admin_url}/healthz").status_code == 200
        assert gateway.http.get(f"{gateway.admin_url}/readyz").status_code == 503


def test_case_017_a_full_disk_is_a_503_and_gives_up_the_reserve(tmp_path: Path) -> None:
    with running_gateway(tmp_path, f"sqlite:///{tmp_path / 's.sqlite'}") as gateway:
        assert gateway.gateway is not None
        gateway.gateway.storing.set_aside()
        reserve = tmp_path / "reserve"
        assert reserve.stat().st_size == storing.RESERVE_BYTES
        pages = gateway.store.write(lambda conn: conn.exec_driver_sql("pragma page_count").scalar_one())
        gateway.store.write(lambda conn: conn.exec_driver_sql(f"pragma max_page_count={pages + 5}"))
        answers = [gateway.deliver([event(n, propertyValue="x" * 3000)]).status_code for n in range(20)]

        stored = answers.count(200)
        assert answers == [200] * stored + [503] * (20 - stored)
        assert len(gateway.rows()) == stored < 20
        assert not reserve.exists()
        assert conditions(gateway) == [STORE_DOWN.name]


def test_case_018_a_full_inbox_turns_deliveries_away_until_it_is_drained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "COUNT_SECONDS", 0.0)
    with running_gateway(tmp_path, f"sqlite:///{tmp_path / 's.sqlite'}", gateway_max_waiting_events=50) as gateway:
        assert gateway.deliver([event(n) for n in range(60)]).status_code == 200
        refused = gateway.deliver([event(99)])
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert (len(gateway.rows()), conditions(gateway)) == (60, [INBOX_FULL.name])
        gateway.empty()
        assert gateway.deliver([event(99)]).status_code == 200
