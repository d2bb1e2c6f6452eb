"""What the business settings say of the mirror: what is left out, how often the rest is read, how old it may be."""

from datetime import timedelta
from pathlib import Path

import pytest

from hubspot_platform.business import load_business
from hubspot_platform.errors import ConfigurationError
from hubspot_platform.hubspot.catalogue import CONTACT, DEAL, REFERENCES, TICKET
from hubspot_platform.hubspot.refresh import MirrorSettings

HOUR = timedelta(hours=1)


def minutes(entry: object, settings: MirrorSettings) -> tuple[float, float]:
    warn, fail = settings.freshness(entry)  # type: ignore[arg-type]
    return warn.total_seconds() / 60, fail.total_seconds() / 60


def test_without_a_word_the_catalogue_counts_and_freshness_follows_the_cadence() -> None:
    usual = MirrorSettings()
    assert (usual.cadence(CONTACT), usual.cadence(DEAL)) == (HOUR, 2 * HOUR)
    assert minutes(CONTACT, usual) == (75, 120)
    assert minutes(DEAL, usual) == (150, 240)
    assert not usual.skips(TICKET)
    assert usual.cadence_of("contact") is None


def test_cadence_and_freshness_are_set_by_object_and_followed_by_what_is_read_with_it() -> None:
    chosen = MirrorSettings(cadence_hours={"deal": 4}, freshness_minutes={"contact": (10, 20)})
    assert (chosen.cadence(DEAL), chosen.cadence(REFERENCES["deal_pipelines"])) == (4 * HOUR, 4 * HOUR)
    assert chosen.cadence_of("deal_pipelines") == 4 * HOUR
    assert minutes(DEAL, chosen) == (300, 480)
    assert minutes(CONTACT, chosen) == (10, 20)
    assert chosen.cadence(CONTACT) == HOUR


def test_what_is_left_out_takes_along_what_is_read_with_it() -> None:
    chosen = MirrorSettings(skip=("ticket", "custom_bug", "forms"))
    assert chosen.skips(TICKET)
    assert chosen.skips(REFERENCES["ticket_pipelines"])
    assert chosen.skips_name("custom_bug")
    assert chosen.skips_name("ticket_pipelines")
    assert not chosen.skips(DEAL)
    assert not chosen.skips_name("custom_other")


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('skip = ["tickets"]', "mirror.skip: .*'tickets'.*ticket"),
        ("cadence_hours = {contact = 5}", "mirror.cadence_hours.contact"),
        ("cadence_hours = {unicorn = 4}", "mirror.cadence_hours: .*'unicorn'"),
        ("cadence_hours = {deal_pipelines = 4}", "deal_pipelines is read together with deal"),
        ("freshness_minutes = {contact = [20, 10]}", "mirror.freshness_minutes: .*contact"),
        ("freshness_minutes = {contact = [0, 10]}", "mirror.freshness_minutes.contact"),
        ("freshness_minutes = {contact = [5]}", "mirror.freshness_minutes.contact"),
        ("cadence = 4", "mirror.cadence"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(tmp_path: Path, toml: str, named: str) -> None:
    file = tmp_path / "business.toml"
    file.write_text(f"[mirror]\n{toml}\n")
    with pytest.raises(ConfigurationError, match=named):
        load_business(file)
