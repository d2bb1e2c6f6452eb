"""The product whose attribution every rule is tested on, built once on each engine."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from hubspot_platform.sql_models.build import BuildOutcome
from hubspot_platform.warehouse import Warehouse
from hubspot_platform_tests.support.attribution import AS_OF, Product, at, attribution_models, build, client, rows_of

GCLID = "Cj0KCQjw-_abcdefghij0123456789"
FBCLID = "IwAR0_abcdefghijklmnop-qrst_aem_x"
MSCLKID = "0123456789abcdef0123456789ABCDEF"
LI_FAT_ID = "0F0f0F0f-1111-2222-3333-444444444444"
# One usable identifier of each kind, none of them in one case alone; what no platform sends; and a campaign.
CLICKED = {
    "gclid": GCLID, "wbraid": "Wbraid_0123456789", "gbraid": "Gbraid-0123456789", "fbclid": FBCLID,
    "fbp": "fb.1.1234567890123.1234567890.Bg", "msclkid": MSCLKID, "li_fat_id": LI_FAT_ID,
}  # fmt: skip
TEMPLATES = dict.fromkeys(CLICKED, "{x}")
BY_UTM = {"campaign": "spring", "source": "partner", "medium": "banner", "term": "crm", "content": "blue"}
LANDED = CLICKED | {f"utm_{name}": text for name, text in BY_UTM.items()}

# What a session says, and the channel it must get.
CHANNELS: list[tuple[dict[str, str], str]] = [
    ({"gclid": GCLID}, "cpc-google"),
    ({"gclid": GCLID, "utm_campaign": "dach_brand_search"}, "cpc-google-brand"),
    ({"gclid": GCLID, "utm_source": "bing", "utm_medium": "cpc"}, "cpc-bing"),
    ({"fbclid": FBCLID}, "social"),
    ({"fbclid": FBCLID, "utm_medium": "paid_social"}, "cpc-facebook"),
    ({"gclid": "{gclid}", "referrer": "https://www.google.de/"}, "organic"),
    ({"referrer": "https://www.acme.example/pricing"}, "direct"),
    ({"referrer": "https://blog.acme.example/x"}, "direct"),
    ({"landing_url": "https://shop.other.example/", "referrer": "https://acme.example/"}, "direct"),
    ({"landing_url": "https://shop.other.example/", "referrer": "https://a.shop.other.example/"}, "direct"),
    ({"landing_url": "https://shop.other.example/", "referrer": "https://notshop.other.example/"}, "referral"),
    ({}, "direct"),
    ({"wbraid": "abcdefghij01234"}, "cpc-google"),
    ({"gbraid": "abcdefghij01234"}, "cpc-google"),
    ({"gbraid": "abcdefghij0123"}, "direct"),
    ({"gclid": "abcdefghij012345678"}, "direct"),
    ({"gclid": " \tabcdefghij0123456789\n"}, "cpc-google"),
    ({"msclkid": MSCLKID}, "cpc-bing"),
    ({"msclkid": f"_uet{MSCLKID}"}, "cpc-bing"),
    ({"msclkid": "01234567-89ab-cdef-0123-456789abcdef"}, "direct"),
    ({"msclkid": MSCLKID, "utm_campaign": "brand"}, "cpc-bing-brand"),
    ({"li_fat_id": LI_FAT_ID}, "linkedin"),
    ({"li_fat_id": LI_FAT_ID.replace("-", "")}, "direct"),
    ({"fbp": "fb.1.1234567890123.1234567890"}, "direct"),
    ({"utm_source": "Google", "utm_medium": "CPC"}, "cpc-google"),
    ({"utm_source": "adwords", "utm_medium": "ppc"}, "cpc-google"),
    ({"utm_source": "youtube", "utm_medium": "cpc"}, "cpc-google-video"),
    ({"utm_source": "google", "utm_medium": "cpv"}, "cpc-google-video"),
    ({"utm_source": "google", "utm_medium": "display"}, "cpc-google-display"),
    ({"utm_source": "google", "utm_medium": "display", "utm_campaign": "PMax|x"}, "cpc-google-pmax"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand pmax"}, "cpc-google-brand"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "nonbrand"}, "cpc-google"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "x-non-brand"}, "cpc-google"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "non_brand"}, "cpc-google"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "non brand|y"}, "cpc-google"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "mybrand"}, "cpc-google"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "a.brand"}, "cpc-google-brand"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand-nonbrand"}, "cpc-google"),
    ({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand_non-brand"}, "cpc-google"),
    ({"utm_source": "youtube", "utm_medium": "display"}, "cpc-google-display"),
    ({"utm_source": "msn", "utm_medium": "paid-search", "utm_campaign": "pmax"}, "cpc-bing"),
    ({"utm_source": "ig", "utm_medium": "retargeting", "utm_campaign": "brand"}, "cpc-facebook"),
    ({"utm_source": "meta", "utm_medium": "cpm"}, "cpc-facebook"),
    ({"utm_source": "linkedin", "utm_medium": "paidsocial"}, "linkedin"),
    ({"utm_source": "tiktok", "utm_medium": "cpc"}, "other"),
    ({"utm_source": "tiktok", "utm_medium": "cpc", "gclid": GCLID}, "cpc-google"),
    ({"utm_medium": "email"}, "email"),
    ({"utm_source": "Newsletter", "utm_medium": "link"}, "email"),
    ({"utm_medium": "sm"}, "social"),
    ({"utm_medium": "social-media", "fbclid": FBCLID}, "social"),
    ({"utm_medium": "organic"}, "organic"),
    ({"utm_medium": "referral", "fbclid": FBCLID}, "referral"),
    ({"utm_source": "partner"}, "other"),
    ({"utm_medium": "banner", "fbclid": FBCLID}, "other"),
    ({"utm_source": " "}, "direct"),
    ({"referrer": "https://mail.google.com/mail/u/0"}, "email"),
    ({"referrer": "https://outlook.office.com/"}, "email"),
    ({"referrer": "https://mail.yahoo.com/"}, "email"),
    ({"referrer": "https://search.yahoo.com/"}, "organic"),
    ({"referrer": "https://www.google.co.uk:443/search?q=x"}, "organic"),
    ({"referrer": "https://images.google.com.br/"}, "organic"),
    ({"referrer": "https://yandex.ru/"}, "organic"),
    ({"referrer": "https://search.brave.com/"}, "organic"),
    ({"referrer": "https://brave.com/"}, "referral"),
    ({"referrer": "https://t.co/abc"}, "social"),
    ({"referrer": "https://l.facebook.com/"}, "social"),
    ({"referrer": "https://nott.co/"}, "referral"),
    ({"referrer": "https://notgoogle.example/"}, "referral"),
    ({"referrer": "https://google.evil.example/"}, "referral"),
    ({"landing_url": f"https://www.acme.example/?gclid={GCLID}&utm_source=google&utm_medium=cpc"}, "direct"),
    ({"gclid": GCLID, "utm_medium": "email"}, "cpc-google"),
    ({"gclid": GCLID, "utm_medium": "display"}, "cpc-google-display"),
    ({"gclid": GCLID, "utm_medium": "cpv"}, "cpc-google-video"),
    ({"gclid": GCLID, "utm_source": "YouTube"}, "cpc-google-video"),
    ({"gclid": GCLID, "utm_campaign": "non-brand-pmax"}, "cpc-google-pmax"),
    ({"gclid": GCLID, "utm_campaign": "DACH.BRAND"}, "cpc-google-brand"),
    ({"gclid": GCLID, "msclkid": MSCLKID}, "cpc-google"),
    ({"msclkid": MSCLKID, "li_fat_id": LI_FAT_ID}, "cpc-bing"),
    ({"msclkid": MSCLKID, "utm_medium": "display"}, "cpc-bing"),
    ({"msclkid": MSCLKID, "utm_medium": "email"}, "cpc-bing"),
    ({"li_fat_id": LI_FAT_ID, "fbclid": FBCLID, "utm_medium": "paid"}, "linkedin"),
    ({"li_fat_id": LI_FAT_ID, "utm_medium": "email"}, "linkedin"),
    ({"fbclid": FBCLID, "utm_medium": "cpc", "utm_source": "tiktok"}, "cpc-facebook"),
    ({"fbclid": FBCLID, "utm_medium": "cpc", "utm_source": "newsletter"}, "cpc-facebook"),
    ({"fbclid": FBCLID, "referrer": "https://www.google.de/"}, "social"),
    ({"utm_source": "email"}, "email"),
    ({"utm_source": "newsletter", "utm_medium": "social"}, "email"),
    ({"utm_source": "google", "utm_medium": "organic"}, "organic"),
    ({"utm_source": "facebook", "utm_medium": "social"}, "social"),
    (LANDED, "cpc-google"),
    (TEMPLATES, "direct"),
    (dict.fromkeys(CLICKED, ""), "direct"),
    (dict.fromkeys(CLICKED, " \t"), "direct"),
]  # fmt: skip

_PAID = (
    "cpc", "ppc", "paid", "paidsearch", "paid-search", "paid_search", "paidsocial", "paid-social", "paid_social", "cpm",
    "retargeting",
)  # fmt: skip
_SOURCES = {
    "cpc-google": ("google", "adwords", "googleads"),
    "cpc-facebook": ("facebook", "fb", "instagram", "ig", "meta"),
    "cpc-bing": ("bing", "microsoft", "msn"),
    "linkedin": ("linkedin",),
}
_HOSTS = {
    "email": ("mail.google.com", "outlook.live.com", "outlook.office.com", "mail.yahoo.com"),
    "organic": (
        "google.de", "bing.com", "duckduckgo.com", "yahoo.co.jp", "ecosia.org", "baidu.com", "yandex.com.tr",
        "search.brave.com", "startpage.com", "qwant.com",
    ),
    "social": (
        "facebook.com", "instagram.com", "linkedin.com", "lnkd.in", "t.co", "twitter.com", "x.com", "youtube.com",
        "reddit.com", "pinterest.com", "tiktok.com",
    ),
}  # fmt: skip
CHANNELS += [({"utm_source": "bing", "utm_medium": medium}, "cpc-bing") for medium in _PAID]
CHANNELS += [
    ({"gclid": GCLID, "utm_campaign": f"x{between}{token}{between}y"}, f"cpc-google-{token}")
    for token in ("brand", "pmax")
    for between in "-_ .|"
]
CHANNELS += [
    ({"utm_source": source.upper(), "utm_medium": "PPC"}, channel)
    for channel, sources in _SOURCES.items()
    for source in sources
]
CHANNELS += [
    ({"referrer": f"https://{before}{host}/x?y"}, channel)
    for channel, hosts in _HOSTS.items()
    for host in hosts
    for before in ("www.", "a.")
]
CHANNELS += [
    ({"referrer": f"https://not{host}/"}, "organic" if host.startswith("mail.") else "referral")  # below google.com
    for hosts in _HOSTS.values()
    for host in hosts
]


def session_at(number: int) -> int:
    return 10_000 + number


def touchpoint_of(source_type: str, key: str) -> str:
    """The touch's id: decided by its source alone."""
    return sha256(f"{source_type}:{key}".encode()).hexdigest()[:32]


def product() -> Product:
    p = Product()
    for number, (given, _) in enumerate(CHANNELS):
        p.session(session_at(number), client(9_000), at("2026-01-01"), **given)
    refused(p)
    identities(p)
    winners(p)
    contacts(p)
    return p


def refused(p: Product) -> None:
    p.session(1, "no-uuid", at("2026-01-01"))
    p.rows["session"].append({"session_id": "x", "client_id": "y", "started_at": at("2026-01-01")})
    upper = client(0xABC).upper()
    p.rows["session"] += [
        {
            "session_id": client(0xAB),
            "client_id": upper,
            "started_at": at("2026-01-02"),
            "ingested_at": at("2026-01-03"),
        },
        {"session_id": client(0xAB).upper(), "client_id": f" {upper} ", "started_at": at("2026-01-01")},
    ]
    p.external("bad-time", None, client_id="x")
    p.external("future", AS_OF + timedelta(minutes=5, microseconds=1), client_id="x")
    p.external("almost-future", AS_OF + timedelta(minutes=5), client_id=client(9_001))
    p.external("too-old", at("2009-12-31T23:59:59.999999"), email="x")
    p.external("old", at("2010-01-01"), client_id=client(9_001))
    p.external("bad-client", at("2026-01-01"), client_id="x", email="y")
    p.external("bad-email", at("2026-01-01"), client_id=client(9_001), email="a@b")
    p.lead("L3", "dots@mail..test", at("2026-01-05"))
    p.external("nobody", at("2026-01-01"), client_id=" ", email="")
    for number, hour in ((2, 1), (3, 3)):
        p.session(number, client(9_003), at("2026-01-01"), ingested_at=at(f"2026-01-01T0{hour}:00"))
        again = touchpoint_of("visit", client(number))
        p.external(again, at("2026-01-02"), client_id=client(9_003), ingested_at=at("2026-01-01T02:00"))
    p.external("odd-channel", at("2026-01-01"), client_id=client(9_001), channel="Carrier Pigeon", **TEMPLATES)
    by_brand = {"channel": " CPC-Google-Brand "} | CLICKED | BY_UTM
    p.external("own-channel", at("2026-01-01"), client_id=client(9_001), **by_brand)
    p.lead(
        "L1",
        "Lead@x.test",
        at("2026-01-05"),
        page_url="https://acme.example/?utm_source=Bing&utm_medium=cpc#utm_medium=email",
    )
    p.lead("L2", "lead@x.test", at("2026-01-06"), page_url="https://acme.example/pricing", client_id=client(9_002))
    p.mobile("M1", "A", at("2026-01-07"), email="lead@x.test", install_referrer=f"utm_campaign=a%20brand&gclid={GCLID}")
    p.mobile("M2", "A", at("2026-01-08"), email="lead@x.test")
    p.mobile("M3", "A", at("2026-01-08"), email="phone@x.test", client_id=client(9_004))
    for number, told in ((4, LANDED), (5, TEMPLATES)):
        query, browser = urlencode(told), client(9_002)
        page = f"https://acme.example/?{query}#top"
        p.lead(f"L{number}", "lead@x.test", at("2026-01-09"), page_url=page, client_id=browser)
        p.mobile(f"M{number}", "A", at("2026-01-09"), email="lead@x.test", install_referrer=query)


def identities(p: Product) -> None:
    for name in (
        "chain",
        "long",
        "square",
        "triangle",
        "hub",
        "second-hub",
        "twice",
        "sharer",
        "second-sharer",
        "third-sharer",
        "alone",
    ):
        p.company(name, at("2026-03-01"))
    p.owns("chain", client(11))
    p.link("e11@x.test", client(11), client(12))
    p.link("e12@x.test", client(12), client(13))
    p.owns("long", "e21@x.test")
    p.link("e21@x.test", client(21))
    p.link("e22@x.test", client(21), client(22))
    p.link("e23@x.test", client(22), client(23))
    p.owns("square", "e31@x.test")
    p.link("e31@x.test", client(31), client(32))
    p.link("e32@x.test", client(31), client(32))
    p.owns("triangle", client(41), "e41@x.test")
    p.link("e41@x.test", client(41))
    p.owns("hub", client(51), client(52), "catch-all@x.test")
    p.owns("second-hub", client(51))
    for number in range(201):
        p.link(f"kiosk{number}@x.test", client(51))
        p.link("catch-all@x.test", client(2_000 + number))
    for number in range(200):
        p.link(f"desk{number}@x.test", client(52))
    p.owns("twice", client(61), f" {client(61).upper()}", "E61@x.test ", "no address")
    p.link(" E61@X.test", client(62))
    p.link("e61@x.test", client(62).upper(), client(62))
    for name in ("sharer", "second-sharer"):
        p.owns(name, client(71))
    p.owns("third-sharer", "e71@x.test")
    p.link("e71@x.test", client(71))
    p.external("shared", at("2026-02-01"), client_id=client(71))


def winners(p: Product) -> None:
    """The worked example, the second beside it, ties, and touches with both identifiers."""
    for name, second in (("worked", at("2026-03-01")), ("shifted", at("2026-02-28T23:59:59"))):
        p.company(name, at("2026-03-29"), at("2026-04-02"))
        browser = client(81 if name == "worked" else 82)
        p.owns(name, browser)
        for number, (moment, channel) in enumerate(
            (
                (at("2026-01-10"), "direct"),
                (second, "cpc-google"),
                (at("2026-03-15"), "organic"),
                (at("2026-03-28"), "direct"),
                (at("2026-03-30"), "email"),
            ),
            start=1,
        ):
            told = CLICKED | BY_UTM if number == 2 else {}
            p.external(f"{name}-T{number}", moment, client_id=browser, channel=channel, ingested_at=AS_OF, **told)
    p.company("ties", at("2026-03-01"))
    p.owns("ties", client(83))
    for name, channel in (("a", "direct"), ("b", "organic"), ("C", "email")):
        p.external(f"tie-{name}", at("2026-03-01"), client_id=client(83), channel=channel)
    p.company("long-ago", at("2026-03-29"))
    p.owns("long-ago", client(86))
    p.external("long-ago", at("2026-01-01"), client_id=client(86))
    p.company("unsigned")
    p.owns("unsigned", "u@x.test")
    p.link("u@x.test", client(84))
    p.external("both", AS_OF, client_id=client(84), email=" U@x.test", channel="direct")
    p.external("later", AS_OF + timedelta(seconds=1), client_id=client(84))
    p.company("decay", at("2026-03-29"))
    p.owns("decay", client(85))
    for days in (21, 14, 7, 0):
        p.external(f"decay-{days:02}", at("2026-03-29") - timedelta(days=days), client_id=client(85))


def contacts(p: Product) -> None:
    p.user("U1", "Person@x.test", created_at=at("2026-02-01"), updated_at=at("2026-02-02"), company_id="alone")
    p.user(
        "U2",
        "person@x.test ",
        created_at=at("2026-02-05"),
        updated_at=at("2026-02-06"),
        first_name="New",
        company_id="chain",
    )
    p.user("U3", "not-an-address", created_at=at("2026-02-01"), updated_at=at("2026-02-01"))
    for user_id, name, created, browser in (("U4", "ties", "2026-03-01", 83), ("U5", "worked", "2026-03-29", 81)):
        p.user(user_id, f"{name}@x.test", created_at=at(created), updated_at=at(created))
        p.link(f"{name}@x.test", client(browser))
    p.link("person@x.test", client(91), client(93), f" {client(91).upper()}")
    p.link("colleague@x.test", client(91), client(92))
    p.external("person-email", at("2026-01-20"), email="person@x.test", channel="direct")
    p.external("person-browser", at("2026-01-10"), client_id=client(91), **CLICKED, **BY_UTM)
    p.external("colleague-browser", at("2026-01-01"), client_id=client(92))
    p.external("person-later", at("2026-02-01T00:00:01"), email="person@x.test")


@dataclass(frozen=True)
class Prepared:
    warehouse: Warehouse
    tables: dict[str, list[dict[str, Any]]]
    outcomes: dict[str, BuildOutcome]

    def one(self, table: str, **wanted: Any) -> dict[str, Any]:
        (found,) = self.all(table, **wanted)
        return found

    def all(self, table: str, **wanted: Any) -> list[dict[str, Any]]:
        return [row for row in self.tables[table] if all(row[key] == value for key, value in wanted.items())]


def prepare(warehouse: Warehouse) -> Prepared:
    outcomes = build(warehouse, product())
    tables = {model.name: rows_of(warehouse, model.name) for model in attribution_models()}
    return Prepared(warehouse, tables, outcomes)
