"""Configuration that is wrong stops the process and names the variable and the mend, never the value."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubspot_platform.business import load_business
from hubspot_platform.errors import ConfigurationError
from hubspot_platform.settings import load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no home of the developer's takes part."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("WAREHOUSE_URL", "mysql://root:secret@db/x", "must begin with one of duckdb://"),
        ("STATE_URL", "nonsense", "must begin with one of sqlite://"),
        ("HUBSPOT_BASE_URL", "api.hubapi.com", "is no http"),
        ("DAGSTER_URL", "dagster.example.com", "is no http"),
        ("HUBSPOT_RATE_LIMIT", "-1", "greater than or equal to 0"),
        ("HUBSPOT_PORTAL_ID", "abc", "valid integer"),
        ("MIRROR_START", "2026-01-01T00:30:00Z", "is no full hour"),
    ],
)
def test_a_wrong_variable_is_named_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.variable == variable
    assert says in str(caught.value)
    assert caught.value.mend
    assert "secret" not in str(caught.value)


def test_the_token_has_two_names_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_API_TOKEN", "pat-secret")
    settings = load_settings()
    assert settings.require_token().get_secret_value() == "pat-secret"
    assert "pat-secret" not in repr(settings)


def test_a_missing_token_says_where_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="HUBSPOT_ACCESS_TOKEN: is not set — create a private app"):
        load_settings().require_token()


def test_both_stores_live_in_the_home_by_default(tmp_path: Path) -> None:
    settings = load_settings(platform_home=tmp_path / "home")
    assert settings.warehouse == f"duckdb:///{tmp_path}/home/warehouse.duckdb"
    assert settings.state == f"sqlite:///{tmp_path}/home/state.sqlite"


def test_the_first_partition_is_what_the_home_remembers(tmp_path: Path) -> None:
    (tmp_path / "mirror_start").write_text("2026-05-01T07:00:00+00:00")
    assert load_settings(platform_home=tmp_path).first_partition == datetime(2026, 5, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("report_time_zone = 'Mars/Base'", "report_time_zone"),
        ("report_time_zone = 'America'", "report_time_zone"),
        ("report_time_zone = 'localtime'", "report_time_zone"),
        ("[thresholds.timeliness]\nwarn_cadences = 3.0\nfail_cadences = 2.0", "thresholds.timeliness"),
        ("[thresholds.count]\nwarn_share = -1.0\nfail_share = 0.1", "thresholds.count.warn_share"),
        ("[properties.deal]\nfoo = 'bar'", "properties"),
        ("[history_properties]\ncalls = ['hs_call_status']", "history_properties"),
        ("[history_properties]\ndeal = ['Deal Stage']", "history_properties.deal.0"),
        ("surprise = 1", "surprise"),
    ],
)
def test_case_092_a_wrong_business_setting_is_refused_by_its_exact_key(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "platform.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"key {key}"):
        load_business(file)


def test_the_history_of_an_object_is_chosen_by_property_all_or_none(tmp_path: Path) -> None:
    file = tmp_path / "platform.toml"
    file.write_text("[history_properties]\ndeal = ['*']\ncontact = []")
    business = load_business(file)
    assert (business.history_of("deal"), business.history_of("contact")) == (("*",), ())
    assert business.history_of("ticket") is None, "the catalogue's"


def test_property_names_can_be_mapped_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "platform.toml"
    file.write_text("[properties.deal]\noffer_given = 'made_offer'")
    mapped = load_business(file).mapped_properties("deal")
    assert (mapped["offer_given"], mapped["trial_status"]) == ("made_offer", "trial_status")
