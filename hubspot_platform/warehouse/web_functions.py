"""Portable SQL helpers for web addresses, identifiers and channels, on DuckDB and on PostgreSQL.

`functions.py` installs them with the others and lists what they return. Rules that read the same on both engines are
written once here and put into a macro and a function.
"""

_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
# Written out, because the engines do not agree on what \s stands for and on what they trim without a list.
_BLANKS, PADDING = r" \t\n\v\f\r", r" \t\n\r"
TRIMMED = f"trim(value, e'{PADDING}')"
_EMAIL = rf"^[^@{_BLANKS}]+@[^@{_BLANKS}]+\.[^@{_BLANKS}.]+$"
# Percent signs that stand for UTF-8 without a zero byte; anything else is left as it was sent.
_ENCODED = (
    "^([^%]|%0[1-9a-f]|%[1-7][0-9a-f]|%c[2-9a-f]%[89ab][0-9a-f]|%d[0-9a-f]%[89ab][0-9a-f]"
    "|%e0%[ab][0-9a-f]%[89ab][0-9a-f]|%e[1-9a-cef]%[89ab][0-9a-f]%[89ab][0-9a-f]|%ed%[89][0-9a-f]%[89ab][0-9a-f]"
    "|%f0%[9ab][0-9a-f]%[89ab][0-9a-f]%[89ab][0-9a-f]"
    "|%f[1-3]%[89ab][0-9a-f]%[89ab][0-9a-f]%[89ab][0-9a-f]"
    "|%f4%8[0-9a-f]%[89ab][0-9a-f]%[89ab][0-9a-f])*$"
)

_CLICK = "[A-Za-z0-9_-]"
_FBCLID = f"{_CLICK}{{20,255}}{_CLICK}{{0,255}}{_CLICK}{{0,2}}"  # 20 to 512; PostgreSQL counts to 255
_COOKIE = "fb[.][0-9][.][0-9]{13}[.]"
_APPENDIX = f"([.]{_CLICK}{{2,16}})?"
_PATTERNS = {
    "gclid": f"^{_CLICK}{{20,255}}$",
    "wbraid": f"^{_CLICK}{{15,255}}$",
    "gbraid": f"^{_CLICK}{{15,255}}$",
    "fbclid": f"^{_FBCLID}$",
    "fbc": f"^{_COOKIE}{_FBCLID}{_APPENDIX}$",
    "fbp": f"^{_COOKIE}[0-9]{{1,20}}{_APPENDIX}$",
    "msclkid": "^(_uet)?[0-9A-Fa-f]{32}$",
    "li_fat_id": f"(?i){_UUID}",
}
_CASES = " ".join(f"when '{kind}' then '{pattern}'" for kind, pattern in _PATTERNS.items())
_PATTERN = f"case kind {_CASES} end"


def _click_id(tidied: str, matches: str) -> str:
    """Return the expression of `click_id`; Microsoft's cookie puts `_uet` before the identifier."""
    without_prefix = f"case when kind = 'msclkid' then replace({tidied}, '_uet', '') else {tidied} end"
    return f"case when {matches}({tidied}, {_PATTERN}) then {without_prefix} end"


_PAID = (
    "'cpc', 'ppc', 'paid', 'paidsearch', 'paid-search', 'paid_search', 'paidsocial', 'paid-social', 'paid_social', "
    "'cpm', 'cpv', 'display', 'retargeting'"
)
_GOOGLE = "'google', 'adwords', 'googleads', 'youtube'"
_FACEBOOK = "'facebook', 'fb', 'instagram', 'ig', 'meta'"
_BING = "'bing', 'microsoft', 'msn'"
_HOST = "(^|[.])({names})$"
_WEB_MAIL = _HOST.format(names="mail[.]google[.]com|outlook[.]live[.]com|outlook[.]office[.]com|mail[.]yahoo[.]com")
_TLD = "([a-z]{2,3}|com?[.][a-z]{2})"
_SEARCH = _HOST.format(
    names=f"(google|yahoo|yandex)[.]{_TLD}|bing[.]com|duckduckgo[.]com|ecosia[.]org|baidu[.]com"
    "|search[.]brave[.]com|startpage[.]com|qwant[.]com"
)
_SOCIAL = _HOST.format(
    names="facebook[.]com|instagram[.]com|linkedin[.]com|lnkd[.]in|t[.]co|twitter[.]com|x[.]com|youtube[.]com"
    "|reddit[.]com|pinterest[.]com|tiktok[.]com"
)
_BRAND = """case when matches(campaign, '(^|[-_ .|])brand([-_ .|]|$)')
    and not matches(campaign, '(^|[-_ .|])non[-_ ]?brand([-_ .|]|$)') then '-brand' end"""
_ON_GOOGLE = f"""'cpc-google' || coalesce(
    {_BRAND},
    case when matches(campaign, '(^|[-_ .|])pmax([-_ .|]|$)') then '-pmax' end,
    case when medium = 'display' then '-display' when medium = 'cpv' or source = 'youtube' then '-video' end,
    '')"""
_ON_BING = f"'cpc-bing' || coalesce({_BRAND}, '')"
_CHANNEL = f"""case
    when medium in ({_PAID}) and source in ({_GOOGLE}) then {_ON_GOOGLE}
    when medium in ({_PAID}) and source in ({_FACEBOOK}) then 'cpc-facebook'
    when medium in ({_PAID}) and source in ({_BING}) then {_ON_BING}
    when medium in ({_PAID}) and source = 'linkedin' then 'linkedin'
    when on_google then {_ON_GOOGLE}
    when on_microsoft then {_ON_BING}
    when on_linkedin then 'linkedin'
    when on_meta and medium in ({_PAID}) then 'cpc-facebook'
    when medium = 'email' or source in ('email', 'newsletter') then 'email'
    when medium in ('social', 'social-media', 'sm') then 'social'
    when medium in ('organic', 'referral') then medium
    when source is not null or medium is not null then 'other'
    when on_meta then 'social'
    when host is null then 'direct'
    when matches(host, '{_WEB_MAIL}') then 'email'
    when matches(host, '{_SEARCH}') then 'organic'
    when matches(host, '{_SOCIAL}') then 'social'
    else 'referral' end"""

_KNOWN = "^(cpc-(google|bing)(-[a-z0-9]+)*|cpc-facebook|linkedin|organic|social|email|referral|direct|other)$"
_TIDY = f"nullif({TRIMMED}, '')"
_PART, _LAST = rf"[^/?#:@{_BLANKS}()]", rf"[^/?#:@{_BLANKS}().]"
_HOST_OF_URL = rf"(?i)^[{_BLANKS}]*(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?(?:www[.])?({_PART}*{_LAST})"
_HOST_ALONE = rf"(?i)^[{_BLANKS}]*(?:www[.])?({_PART}+[.]{_PART}*{_LAST})"
# Most addresses are plain, and cutting one at its slashes takes DuckDB a tenth of the time of the patterns above.
_PLAIN_HOST = "^(www[.])?[a-z0-9-][a-z0-9.-]*[a-z0-9-]$"


def _normalised(pattern: str, prefix: str = "") -> str:
    """Return the expression that tidies and lowers only what does not fit the pattern as it stands."""
    return (
        f"case when {prefix}matches(value, '{pattern}') and value = lower(value) then value "
        f"when {prefix}matches(lower({prefix}tidy(value)), '{pattern}') then lower({prefix}tidy(value)) end"
    )


# What is taken in has no two dots in a row in its domain and at most 254 characters.
_INTAKE_EMAIL = "case when not matches(tidy(value), '@.*[.][.]|^.{255}') then email_of(value) end"

DUCKDB: tuple[str, ...] = (
    f"create or replace macro tidy(value) as {_TIDY}",
    f"create or replace macro uuid_of(value) as {_normalised(_UUID)}",
    f"create or replace macro email_of(value) as {_normalised(_EMAIL)}",
    f"create or replace macro intake_email_of(value) as {_INTAKE_EMAIL}",
    f"create or replace macro click_id(kind, value) as {_click_id('tidy(value)', 'matches')}",
    "create or replace macro stable_id(value) as left(sha256(value), 32)",
    "create or replace macro byte_order(value) as value",
    "create or replace macro min_text(value) as min(value)",
    "create or replace macro instant_text(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%fZ')",
    "create or replace macro json_string(value) as coalesce(cast(to_json(cast(value as varchar)) as varchar), 'null')",
    r"create or replace macro query_of(url) as nullif(regexp_extract(url, '^[^?#]*[?]([^#]*)', 1), '')",
    f"""create or replace macro url_decoded(value) as case
        when matches(value, '(?i){_ENCODED}') then url_decode(value) else value end""",
    r"""create or replace macro query_value(query, name) as tidy(url_decoded(replace(
        regexp_extract(query, '(?i)(^|[?&])' || name || '=([^&#]*)', 2), '+', ' ')))""",
    f"""create or replace macro host_of(url) as case
        when starts_with(url, 'https://') and matches(split_part(url, '/', 3), '{_PLAIN_HOST}')
        then case when starts_with(url, 'https://www.') then substr(split_part(url, '/', 3), 5)
            else split_part(url, '/', 3) end
        else lower(coalesce(
            nullif(regexp_extract(url, '{_HOST_OF_URL}', 1), ''), nullif(regexp_extract(url, '{_HOST_ALONE}', 1), '')
        )) end""",
    """create or replace macro within_host(host, domain) as
        coalesce(host = domain or ends_with(host, '.' || domain), false)""",
    f"""create or replace macro channel_of(
        source, medium, campaign, on_google, on_microsoft, on_linkedin, on_meta, host) as {_CHANNEL}""",
    f"create or replace macro is_channel(value) as matches(value, '{_KNOWN}')",
    """create or replace macro share_of(part, whole) as cast(cast(
        (cast(part as hugeint) * 2000000000000 + whole) // (cast(whole as hugeint) * 2) as decimal(38, 0))
        * cast(0.000000000001 as decimal(12, 12)) as decimal(38, 26))""",
    # Whole microseconds are exact in both engines' doubles, so both see the same power.
    """create or replace macro half_life_weight(seconds, days) as cast(floor(
        pow(2.0::double, -cast(cast(cast(seconds as decimal(20, 6)) * 1000000 as bigint) as double)
            / (cast(days as double) * 86400000000.0::double)) * 1e15::double
        + 0.5::double) as bigint)""",
)

_SQL = "language sql immutable parallel safe as"

POSTGRES: tuple[str, ...] = (
    f"create or replace function _platform.tidy(value text) returns text {_SQL} $$ select {_TIDY} $$",
    f"""create or replace function _platform.uuid_of(value text) returns text {_SQL} $$
        select {_normalised(_UUID, "_platform.")} $$""",
    f"""create or replace function _platform.email_of(value text) returns text {_SQL} $$
        select {_normalised(_EMAIL, "_platform.")} $$""",
    f"""create or replace function _platform.intake_email_of(value text) returns text {_SQL} $$ select {
        _INTAKE_EMAIL.replace("matches(", "_platform.matches(")
        .replace("tidy(", "_platform.tidy(")
        .replace("email_of(", "_platform.email_of(")
    } $$""",
    f"""create or replace function _platform.click_id(kind text, value text) returns text {_SQL} $$
        select {_click_id("_platform.tidy(value)", "_platform.matches")} $$""",
    f"""create or replace function _platform.stable_id(value text) returns text {_SQL} $$
        select left(encode(sha256(convert_to(value, 'UTF8')), 'hex'), 32) $$""",
    f"""create or replace function _platform.byte_order(value text) returns bytea {_SQL} $$
        select convert_to(value, 'UTF8') $$""",
    f"""create or replace function _platform.smaller_text(a text, b text) returns text {_SQL} $$
        select case when b is null or a collate "C" <= b collate "C" then a else b end $$""",
    """create or replace aggregate _platform.min_text(text) (
        sfunc = _platform.smaller_text, stype = text, combinefunc = _platform.smaller_text, parallel = safe)""",
    f"""create or replace function _platform.instant_text(moment timestamptz) returns text {_SQL} $$
        select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$""",
    f"""create or replace function _platform.json_string(value text) returns text {_SQL} $$
        select coalesce(to_json(value)::text, 'null') $$""",
    f"""create or replace function _platform.query_of(url text) returns text {_SQL} $$
        select nullif(substring(url from '^[^?#]*[?]([^#]*)'), '') $$""",
    f"""create or replace function _platform.url_decoded(value text) returns text {_SQL} $$
        select case when value collate "C" ~ '(?i){_ENCODED}' then (
            select coalesce(convert_from(string_agg(
                case when part[1] is not null then decode(part[1], 'hex') else convert_to(part[2], 'UTF8') end,
                ''::bytea order by place), 'UTF8'), '')
            from regexp_matches(value, '%([0-9A-Fa-f]{{2}})|([^%]+)', 'g') with ordinality as found (part, place))
        else value end $$""",
    f"""create or replace function _platform.query_value(query text, name text) returns text {_SQL} $$
        select _platform.tidy(_platform.url_decoded(replace(
            substring(query from '(?i)(?:^|[?&])' || name || '=([^&#]*)'), '+', ' '))) $$""",
    f"""create or replace function _platform.host_of(url text) returns text {_SQL} $$
        select lower(coalesce(substring(url from '{_HOST_OF_URL}'), substring(url from '{_HOST_ALONE}'))) $$""",
    f"""create or replace function _platform.within_host(host text, domain text) returns boolean {_SQL} $$
        select coalesce(host = domain or right(host, length(domain) + 1) = '.' || domain, false) $$""",
    f"""create or replace function _platform.channel_of(
        source text, medium text, campaign text, on_google boolean, on_microsoft boolean, on_linkedin boolean,
        on_meta boolean, host text) returns text {_SQL} $$ select {_CHANNEL.replace("matches(", "_platform.matches(")}
        $$""",
    f"""create or replace function _platform.is_channel(value text) returns boolean {_SQL} $$
        select _platform.matches(value, '{_KNOWN}') $$""",
    f"""create or replace function _platform.share_of(part numeric, whole numeric) returns numeric {_SQL} $$
        select (div(part * 2000000000000 + whole, whole * 2) * 0.000000000001)::numeric(38, 26) $$""",
    f"""create or replace function _platform.half_life_weight(seconds numeric, days numeric) returns bigint {_SQL} $$
        select floor(power(2::float8, -(seconds * 1000000)::bigint::float8 / (days::float8 * 86400000000::float8))
            * 1e15::float8 + 0.5::float8)::bigint $$""",
)
