"""Landing a folder into both warehouses: what lands, what is rejected, and what changes nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.errors import FarFewerRows, MissingColumn, MissingTable, SourceUnreadable
from hubspot_platform.landing.land import Landing, LandingReport, land
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import load_settings
from hubspot_platform_tests.integration.landing.conftest import write_ndjson, write_parquet
from hubspot_platform_tests.support.platforms import rows

DAY = "2026-05-01T00:00:00Z"
COMPANY = {"company_id": "1", "company_name": "A", "status": "PAYING", "cs_manager_locked": False, "created_at": DAY}


def outcomes(platform: Platform, *names: str, accept_fewer: bool = False) -> list[Landing]:
    return land(platform, [CATALOGUE[name] for name in names], run_id="test", accept_fewer=accept_fewer)


def landed(platform: Platform, name: str, *, accept_fewer: bool = False) -> LandingReport:
    outcome = outcomes(platform, name, accept_fewer=accept_fewer)[0]
    assert outcome.error is None, outcome.error
    assert outcome.report is not None
    report = outcome.report
    assert report.rows_read == report.rows_landed + report.rows_rejected + report.rows_superseded
    return report


def refused(platform: Platform, name: str) -> Exception:
    outcome = outcomes(platform, name)[0]
    assert outcome.report is None
    assert outcome.error is not None
    return outcome.error


def rejects(platform: Platform) -> list[tuple[str, str]]:
    found = rows(platform, "select reason, column_name from product.rejected_row order by table_name, row_number")
    return [(row["reason"], row["column_name"]) for row in found]


def rates(folder: Path, *lines: str) -> None:
    text = "".join(f"{line}\n" for line in ("currency,rate_date,usd_per_unit", *lines))
    (folder / "exchange_rate.csv").write_text(text, encoding="utf-8")


def stored_rates(platform: Platform) -> list[tuple[str, Decimal]]:
    found = rows(platform, "select currency, usd_per_unit from product.exchange_rate order by 1, rate_date")
    return [(row["currency"], row["usd_per_unit"]) for row in found]


def test_a_csv_lands_and_its_bad_rows_are_kept_with_their_reasons(platform: Platform, folder: Path) -> None:
    rates(folder, "eur,2026-05-01,1.08", "EUR,2026-05-02,n/a", "GBP,2026-05-01", "POUND,2026-05-01,1", ",2026-05-01,1")
    report = landed(platform, "product.exchange_rate")
    assert stored_rates(platform) == [("EUR", Decimal("1.08"))]
    assert report.rejected == {"bad_type": 1, "bad_pattern": 1, "missing_value": 1, "unreadable_row": 1}
    reasons = [("bad_type", "usd_per_unit"), ("bad_pattern", "currency"), ("missing_value", "currency")]
    assert sorted(rejects(platform)) == sorted([*reasons, ("unreadable_row", "")])
    kept = rows(platform, "select row_json from product.rejected_row where reason = 'unreadable_row'")
    assert kept[0]["row_json"] == '{"line":"GBP,2026-05-01"}'


def test_ndjson_lands_with_columns_that_only_some_lines_have(platform: Platform, folder: Path) -> None:
    path = folder / "company.ndjson"
    write_ndjson(
        path,
        {**COMPANY, "updated_at": DAY, "note": "not in the contract"},
        {**COMPANY, "company_id": 2, "updated_at": 1777593600000, "plan_type": "SBP", "domain": "b.example"},
        {**COMPANY, "company_id": "3", "updated_at": DAY, "status": "PROSPECT"},
        {**COMPANY, "company_id": "4"},
    )
    path.write_bytes(path.read_bytes() + b'{"company_id": "5", \n[]\n')
    report = landed(platform, "product.company")
    found = rows(platform, "select company_id, plan_type, domain, updated_at from product.company order by 1")
    assert [(row["company_id"], row["plan_type"], row["domain"]) for row in found] == [
        ("1", None, None),
        ("2", "sbp", "b.example"),
    ]
    assert {row["updated_at"] for row in found} == {datetime(2026, 5, 1, tzinfo=UTC)}
    assert report.rejected == {"unknown_choice": 1, "missing_value": 1, "unreadable_row": 2}
    assert report.ignored_columns == ("note",)
    assert "white_label" in report.absent_columns


def test_of_rows_with_one_key_the_newest_lands_and_the_undecided_are_rejected(platform: Platform, folder: Path) -> None:
    old, new = {**COMPANY, "updated_at": "2026-05-01"}, {**COMPANY, "updated_at": "2026-05-02", "company_name": "B"}
    write_ndjson(folder / "company.ndjson", old, new, {**new, "company_name": "C"}, new, old)
    report = landed(platform, "product.company")
    found = rows(platform, "select company_id, company_name from product.company")
    assert [(row["company_id"], row["company_name"]) for row in found] == [("1", "B")]
    assert (report.rows_superseded, report.rejected) == (3, {"duplicate_key": 1})
    assert rejects(platform) == [("duplicate_key", "")]


def test_rows_without_a_key_all_land(platform: Platform, folder: Path) -> None:
    link = {"company_id": "1", "client_id": "c", "linked_at": DAY}
    write_parquet(folder / "company_to_client_id.parquet", link, link)
    assert landed(platform, "product.company_to_client_id").rows_landed == 2


def test_predictions_land_from_the_names_of_data_science(platform: Platform, folder: Path) -> None:
    score = {"cp_score": 0.25, "predicted_at": datetime(2026, 5, 1, tzinfo=UTC)}
    write_parquet(
        folder / "ds_cp_contact_table_score.parquet",
        {"email": " Ann@A.Example ", **score},
        {"email": "bo@b.example", **score, "cp_score": 1.5},
    )
    assert landed(platform, "predictions.contact_cp_score").rejected == {"out_of_range": 1}
    found = rows(platform, "select email, cp_score from predictions.contact_cp_score")
    assert found == [{"email": "ann@a.example", "cp_score": Decimal("0.25")}]


def test_a_missing_optional_table_is_an_empty_table_and_a_warning(platform: Platform) -> None:
    report = landed(platform, "product.monday_bug")
    assert "has no monday_bug" in report.warning
    assert rows(platform, "select * from product.monday_bug") == []


def test_a_missing_required_table_or_column_names_what_is_missing(platform: Platform, folder: Path) -> None:
    assert isinstance(refused(platform, "product.company"), MissingTable)
    write_ndjson(folder / "company.ndjson", COMPANY)
    error = refused(platform, "product.company")
    assert isinstance(error, MissingColumn)
    assert f"{folder}/company.ndjson: table product.company lacks column updated_at" in str(error)


def test_nothing_of_a_table_is_replaced_when_it_cannot_land_and_the_others_land(
    platform: Platform, folder: Path
) -> None:
    rates(folder, "EUR,2026-05-01,1.08", "EUR,2026-05-02,n/a")
    landed(platform, "product.exchange_rate")
    (folder / "exchange_rate.csv").write_text("currency,rate_date\nGBP,2026-05-01\n", encoding="utf-8")
    first, second = outcomes(platform, "product.exchange_rate", "product.monday_bug")
    assert isinstance(first.error, MissingColumn)
    assert second.report is not None
    assert stored_rates(platform) == [("EUR", Decimal("1.08"))]
    assert rejects(platform) == [("bad_type", "usd_per_unit")]


@pytest.mark.parametrize("damage", ["cut off", "no parquet", "two files"])
def test_case_062_a_damaged_file_changes_nothing(platform: Platform, folder: Path, damage: str) -> None:
    link = {"company_id": "1", "client_id": "c", "linked_at": DAY}
    path = folder / "company_to_client_id.parquet"
    write_parquet(path, link)
    landed(platform, "product.company_to_client_id")
    if damage == "cut off":
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == "no parquet":
        path.write_text("not a file of that kind", encoding="utf-8")
    else:
        path.with_suffix(".csv").write_text("company_id,client_id,linked_at\n", encoding="utf-8")
    assert isinstance(refused(platform, "product.company_to_client_id"), SourceUnreadable)
    assert len(rows(platform, "select * from product.company_to_client_id")) == 1


def test_case_076_far_fewer_rows_are_refused_until_somebody_says_they_are_right(
    platform: Platform, folder: Path
) -> None:
    days: Sequence[str] = [f"EUR,2026-{month:02d}-{day:02d},1.08" for month in (3, 4) for day in range(1, 31)]
    rates(folder, *days)
    landed(platform, "product.exchange_rate")
    rates(folder, *days[:24])
    error = refused(platform, "product.exchange_rate")
    assert isinstance(error, FarFewerRows)
    assert "from 60 rows to 24" in str(error)
    assert len(stored_rates(platform)) == 60
    landed(platform, "product.exchange_rate", accept_fewer=True)
    assert len(stored_rates(platform)) == 24


def test_landing_the_same_again_changes_nothing(platform: Platform, folder: Path) -> None:
    rates(folder, "EUR,2026-05-01,1.08", "EUR,2026-05-02,n/a")
    before = landed(platform, "product.exchange_rate")
    after = landed(platform, "product.exchange_rate")
    assert (after.rows_landed, after.rejected) == (before.rows_landed, before.rejected)
    assert len(rejects(platform)) == 1


def test_a_source_that_is_not_set_is_wrong_configuration(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"platform_home": tmp_path, "product_source": "", "predictions_source": ""}
    platform = Platform(load_settings(**settings))
    with pytest.raises(ConfigurationError, match="PRODUCT_SOURCE"):
        outcomes(platform, "product.company")
    platform.close()
