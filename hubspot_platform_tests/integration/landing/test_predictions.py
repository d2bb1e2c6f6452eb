"""Two scores of a contact become one expected value, the same on both engines."""

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.land import land
from hubspot_platform.runtime import Platform
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform_tests.integration.landing.conftest import write_ndjson

MERGED = "contact_conversion_probability"


def test_scores_are_merged_by_contact_and_one_that_is_missing_is_counted(
    platform: Platform, folder: Path, tmp_path: Path
) -> None:
    early, late = "2026-05-01T00:00:00Z", "2026-05-01T01:00:00Z"
    write_ndjson(
        folder / "ds_cp_contact_table_score.ndjson",
        {"email": "A@a.example", "cp_score": 0.333333, "predicted_at": late},
        {"email": "b@b.example", "cp_score": 1, "predicted_at": late},
    )
    write_ndjson(
        folder / "ds_acv_contact_table_score.ndjson",
        {"email": "a@a.example", "acv_score": "1000.01", "predicted_at": early},
        {"email": "c@c.example", "acv_score": 12, "predicted_at": early},
    )
    names = ("predictions.contact_cp_score", "predictions.contact_acv_score")
    land(platform, [CATALOGUE[name] for name in names], run_id="test")
    alone = tmp_path / "sql" / "predictions"
    alone.mkdir(parents=True)
    shutil.copy(sql_folder() / "predictions" / f"{MERGED}.sql", alone)
    (model,) = load_models(alone.parent, platform.business)
    with platform.warehouse().writer() as session:
        outcome = build_model(session, model)
        found = session.query(f"select * from predictions.{MERGED} order by email").to_pylist()
    at_midnight, at_one = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert [tuple(row.values()) for row in found] == [
        ("a@a.example", Decimal("0.333333"), Decimal("1000.01"), Decimal("333.34"), at_midnight),
        ("b@b.example", Decimal(1), None, None, at_one),
        ("c@c.example", None, Decimal(12), None, at_midnight),
    ]
    failed = {found.check.name: found.violations for found in outcome.checks if not found.passed}
    assert failed == {"scored_twice": 2}
