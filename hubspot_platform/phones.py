"""Phone numbers as people type them, in E.164.

Pure functions, called by the asset that fills `hubspot.phone_number`. The rule is the domain rule for
phones: the region comes from the contact's country, else from the settings, and only valid numbers count.
"""

import re
from functools import lru_cache

_DIGITS_ONLY = re.compile(r"[1-9][0-9]{9,14}")
"""As long as an international number; shorter ones are national numbers with a digit wrong."""

_COLLOQUIAL = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "the netherlands": "NL",
    "holland": "NL",
    "russia": "RU",
    "turkey": "TR",
    "czech republic": "CZ",
    "south korea": "KR",
    "ivory coast": "CI",
    "macedonia": "MK",
}
"""What web forms offer and ISO 3166 does not list."""


def e164(raw: str | None, region: str) -> str | None:
    """Return the number as `+14155550134`, or None when it is no valid number.

    `region` is the ISO 3166 code whose national format applies to a number without a country code. A number
    that is not valid there is read as an international one when it begins with `00` or is all digits, as telephone
    systems write it.
    """
    if raw is None:
        return None
    text = raw.strip()
    found = _valid(text, region)
    if found is None and text.startswith("00"):
        found = _valid(f"+{text[2:]}", region)
    elif found is None and _DIGITS_ONLY.fullmatch(text):
        found = _valid(f"+{text}", region)
    return found


@lru_cache(maxsize=4096)
def region_of(country: str | None) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country's name or code, in any case; None when it is unknown."""
    import pycountry

    name = (country or "").strip()
    if not name:
        return None
    if name.casefold() in _COLLOQUIAL:
        return _COLLOQUIAL[name.casefold()]
    try:
        return str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        return None


def _valid(text: str, region: str) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
