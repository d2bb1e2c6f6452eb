"""The helpers of attribution: identifiers of clicks and people, channels, shares; the same answers on both engines."""

import re
from decimal import Decimal
from itertools import product

import pyarrow as pa

from hubspot_platform.warehouse import Column, LogicalType, Table, Warehouse

HEX = "0123456789abcdefABCDEF0123456789"
UUID = "0F0F0F0F-1111-2222-3333-444444444444"
LONG = {"gclid": (20, 255), "wbraid": (15, 255), "gbraid": (15, 255), "fbclid": (20, 512)}
COOKIE = "fb.1.1772323200250."

# kind, text and the identifier it holds
CLICK_IDS: list[tuple[str, str, str | None]] = [
    *((kind, "a" * size, "a" * size) for kind, bounds in LONG.items() for size in bounds),
    *((kind, "a" * size, None) for kind, (low, high) in LONG.items() for size in (low - 1, high + 1)),
    ("gclid", f" \t\n{'aB-_9' * 4}\n", "aB-_9" * 4),
    ("gclid", f"{'a' * 20}\n{'b' * 20}", None),
    ("gclid", f"{'a' * 20}&utm_source=x", None),
    ("gclid", f"{'a' * 20}é", None),
    ("gclid", f"{'a' * 20}٣", None),
    ("gclid", "", None),
    ("gclid", " \t", None),
    ("fbc", f"{COOKIE}{'a' * 20}", f"{COOKIE}{'a' * 20}"),
    ("fbc", f"{COOKIE}{'a' * 512}.Bg", f"{COOKIE}{'a' * 512}.Bg"),
    ("fbc", f"{COOKIE}{'a' * 19}", None),
    ("fbc", f"fb.1.177232320025.{'a' * 20}", None),
    ("fbc", f"{COOKIE}{'a' * 20}.B", None),
    ("fbc", f"fb.12.1772323200250.{'a' * 20}", None),
    ("fbp", f"{COOKIE}1", f"{COOKIE}1"),
    ("fbp", "fb.2.1772323200250.1", "fb.2.1772323200250.1"),
    ("fbp", "fb.12.1772323200250.1", None),
    ("fbp", f"{COOKIE}{'1' * 20}.{'x' * 16}", f"{COOKIE}{'1' * 20}.{'x' * 16}"),
    ("fbp", f"{COOKIE}{'1' * 21}", None),
    ("fbp", f"{COOKIE}1.{'x' * 17}", None),
    ("msclkid", HEX, HEX),
    ("msclkid", f"_uet{HEX}", HEX),
    ("msclkid", f"_uet_uet{HEX}", None),
    ("msclkid", HEX[:-1], None),
    ("msclkid", f"{HEX}0", None),
    ("msclkid", f"{HEX[:-1]}g", None),
    ("msclkid", UUID, None),
    ("li_fat_id", UUID, UUID),
    ("li_fat_id", UUID.lower(), UUID.lower()),
    ("li_fat_id", UUID.replace("-", ""), None),
    ("li_fat_id", f"{{{UUID}}}", None),
]
EMAILS = {
    " Some.One+tag@Mail.Example.test\t": "some.one+tag@mail.example.test",
    "a@b": None,
    "a@@b.test": None,
    "@b.test": None,
    "a b@c.test": None,
    "a\vb@c.test": None,
    "a@c\v.test": None,
    "a@c.te\vst": None,
    "a@b.": None,
    "": None,
}
TAKEN_IN = {
    " Ann@Mail.test ": "ann@mail.test",
    "ann..o@mail.test": "ann..o@mail.test",
    "ann@mail..test": None,
    f"{'a' * 245}@mail.test": None,
    f"{'a' * 244}@mail.test": f"{'a' * 244}@mail.test",
    "ann@mail": None,
}
CHANNELS = {
    "cpc-google": True, "cpc-google-brand": True, "cpc-bing": True, "cpc-bing-brand": True, "cpc-facebook": True,
    "linkedin": True, "organic": True, "social": True, "email": True, "referral": True, "direct": True, "other": True,
    "unknown": False, "cpc-facebook-brand": False, "cpc-googler": False, "cpc": False, "Direct": False,
}  # fmt: skip
SHARES = {
    "share_of(1, 3)": "0.333333333333",
    "share_of(2, 3)": "0.666666666667",
    "share_of(1, 2000000000000)": "0.000000000001",
    "share_of(1, 2000000000001)": "0",
    "share_of(7, 7)": "1",
}
WEIGHTS = {
    "half_life_weight(0, 7)": 10**15,
    "half_life_weight(604800, 7)": 5 * 10**14,
    "half_life_weight(2.5 * 604800, 7)": 176776695296637,
    "half_life_weight(0.000001, 7)": 999999999998854,
    "half_life_weight(100 * 604800, 7)": 0,
}


def _answers(warehouse: Warehouse, call: str, *inputs: list[str]) -> list[object]:
    """The answers of one helper for rows of texts, in order."""
    names = ", ".join(f"v{place}" for place in range(len(inputs[0])))
    marks = ", ".join(f"({number}, {', '.join('?' * len(row))})" for number, row in enumerate(inputs))
    sql = f"select {call} as answer from (values {marks}) as t (n, {names}) order by t.n"
    with warehouse.writer() as session:
        return list(session.query(sql, [text for row in inputs for text in row])["answer"].to_pylist())


def test_click_ids_are_those_of_their_pattern_to_the_last_character(warehouse: Warehouse) -> None:
    kinds = sorted({kind for kind, _, _ in CLICK_IDS})
    for kind in kinds:
        cases = [(text, expected) for name, text, expected in CLICK_IDS if name == kind]
        found = _answers(warehouse, f"click_id('{kind}', t.v0)", *([text] for text, _ in cases))
        assert found == [expected for _, expected in cases], kind


def test_addresses_and_browsers_are_compared_trimmed_and_in_lower_case(warehouse: Warehouse) -> None:
    assert _answers(warehouse, "email_of(t.v0)", *([text] for text in EMAILS)) == list(EMAILS.values())
    assert _answers(warehouse, "intake_email_of(t.v0)", *([text] for text in TAKEN_IN)) == list(TAKEN_IN.values())
    browsers = {f" {UUID}\n": UUID.lower(), UUID.replace("-", ""): None, f"{UUID}0": None, "x": None}
    assert _answers(warehouse, "uuid_of(t.v0)", *([text] for text in browsers)) == list(browsers.values())


HOST = re.compile(r"(?ia)^\s*(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?(?:www[.])?([^/?#:@\s()]*[^/?#:@\s().])")
ALONE = re.compile(r"(?ia)^\s*(?:www[.])?([^/?#:@\s()]+[.][^/?#:@\s()]*[^/?#:@\s().])")
ADDRESSES = [
    "".join(parts)
    for parts in product(
        ("https://", "http://", "HTTPS://", " https://", "//", "android-app://", ""),
        ("", "www.", "WWW.", "www.www.", "me@", "me:secret@www."),
        ("shop.example", "a", "www", "Shop.Example", "shop.example.", "a..b", ".a", "-a-", "müller.example", "a b", ""),
        ("", "/", "/a//b", "?q=https://x.test/", "#top", ":8080/", "/www.x.test", ")"),
    )
]


def test_the_host_of_an_address_is_that_of_its_pattern(warehouse: Warehouse) -> None:
    table = Table("kinds", "address", (Column("url", LogicalType.TEXT),), key=("url",))
    with warehouse.writer() as session:
        session.ensure(table)
        session.load(table, pa.table({"url": pa.array(sorted(set(ADDRESSES)))}))
        found = session.query("select url, host_of(url) as host from kinds.address").to_pylist()

    def host(url: str) -> str | None:
        match = HOST.search(url) or ALONE.search(url)
        return None if match is None else match[1].lower()

    assert len(found) > 3_000
    assert [row for row in found if row["host"] != host(row["url"])] == []


def test_channels_are_those_of_the_enumeration(warehouse: Warehouse) -> None:
    assert _answers(warehouse, "is_channel(t.v0)", *([text] for text in CHANNELS)) == list(CHANNELS.values())


def test_shares_have_twelve_places(warehouse: Warehouse) -> None:
    for expression, share in SHARES.items():
        with warehouse.writer() as session:
            (row,) = session.query(f"select cast({expression} as decimal(38, 26)) as found").to_pylist()
        assert row["found"] == Decimal(share), expression


def test_weights_halve_to_the_microsecond(warehouse: Warehouse) -> None:
    for expression, weight in WEIGHTS.items():
        with warehouse.writer() as session:
            (row,) = session.query(f"select {expression} as found").to_pylist()
        assert row["found"] == weight, expression
