"""The time of a run: kept open when a model is read, put in for each run, refused where there is no run."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hubspot_platform.sql_models.errors import HeaderError
from hubspot_platform.sql_models.render import at, needs_as_of
from hubspot_platform_tests.unit.sql_models.terms import model

QUERY = "select cast(d.id as text) as id, cast(${as_of} as timestamptz) as computed_at from hubspot.deal as d"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_text_of_a_model_does_not_change_with_the_time() -> None:
    assert model(QUERY).code_version == model(QUERY).code_version
    assert needs_as_of(model(QUERY).sql)
    assert not needs_as_of(model(QUERY.replace("${as_of}", "null")).sql)


def test_the_time_is_put_in_as_an_instant_of_utc_to_the_microsecond() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))

    assert "cast('2026-03-01 12:00:00.000000+00:00' as timestamptz)" in at(model(QUERY).sql, NOON)
    assert at(model(QUERY).sql, berlin) == at(model(QUERY).sql, NOON)


def test_a_view_has_no_time_of_a_run() -> None:
    with pytest.raises(HeaderError, match="a view has no time of a run"):
        model(QUERY, "-- materialized: view")
