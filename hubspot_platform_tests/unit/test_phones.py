import pytest

from hubspot_platform.phones import e164, region_of


@pytest.mark.parametrize("raw", ["(415) 555-0134", "+1 415-555-0134", "14155550134"])
def test_the_spellings_of_one_number_meet(raw: str) -> None:
    assert e164(raw, "US") == "+14155550134"


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("030 1234567", "DE", "+49301234567"),
        ("0049 30 1234567", "DE", "+49301234567"),
        ("0049 30 1234567", "US", "+49301234567"),
        ("+49 (0)30 1234567", "US", "+49301234567"),
        ("  +14155550134 ", "DE", "+14155550134"),
        ("415-555-0134 ext. 12", "US", "+14155550134"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("442079460018", "US", "+442079460018"),
        ("46846500752", "US", "+46846500752"),
    ],
)
def test_national_and_international_spellings(raw: str, region: str, expected: str) -> None:
    assert e164(raw, region) == expected


@pytest.mark.parametrize("raw", [None, "", "   ", "none", "123", "+999 123456789", "00", "5" * 400, "call me", "++"])
def test_what_is_no_valid_number_is_none(raw: str | None) -> None:
    assert e164(raw, "US") is None


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("Germany", "DE"),
        ("germany ", "DE"),
        ("DE", "DE"),
        ("deu", "DE"),
        ("United States", "US"),
        ("United States of America", "US"),
        ("USA", "US"),
        ("UK", "GB"),
        ("Côte d'Ivoire", "CI"),
        ("Russia", "RU"),
    ],
)
def test_the_region_of_a_country(country: str, region: str) -> None:
    assert region_of(country) == region


@pytest.mark.parametrize("country", [None, "", " ", "Atlantis", "unknown"])
def test_an_unknown_country_has_no_region(country: str | None) -> None:
    assert region_of(country) is None
