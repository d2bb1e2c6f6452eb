"""Portable SQL helpers: the same names and the same answers as DuckDB macros and as PostgreSQL functions.

SQL models use these wherever the two engines differ: JSON, patterns, division, number parsing, days of a time zone.
The engines install them when a warehouse is first opened for writing and again when `VERSION` changes; DuckDB keeps
them in schema `main` of the file (so that published copies carry them), PostgreSQL in `_platform`, which is on the
search path of every session. All are called unqualified.

==========================================  ==================================================================
`json_text(doc, key)` → text                scalar of a top-level key; null for null, objects, arrays, no object
`json_part(doc, key)` → json                value of a top-level key; null when missing or JSON null
`json_texts(doc, paths)`                    values at paths such as '/a /b/c', all read at once: for `nth_text` only
`nth_text(texts, n)` → text                 the n-th of them, from 1; null for null and for what begins with { or [
`json_items(doc)` → rows (item, position)   elements of an array, from 1; none for anything else; use laterally
`json_pairs(doc)` → rows (name, value)      keys of an object and its scalars as text; none for anything else
`ratio(n, d)` → decimal(38,10)              n / d exactly, half away from zero; null when d is 0 or either is null
`portion(v, n, d)` → decimal(38,26)         v × n / d, cut off after 26 places; null when d is 0 or any is null
`after_percentages(v, p)` → decimal(38,26)  aggregate: v (one per group) less p percent, for each row's p in turn
`cents(v)` → decimal(18,4)                  v rounded to 2 places, halves away from zero
`version_of(value, occurred_at)` → bigint   a copy's version: its own, else its event's time in milliseconds
`minor_units(currency)` → bigint            how many of a currency's smallest unit make one: 100, 1 or 1000
`rate_refused(currency, dated, refused, day)` why a rate of `dated` does not price an amount of `day`; else null
`arr_range(arr)` → text                     0, 1-2000, 2001-8000 or 8001+; null for null
`yes_no(value)` → bool                      yes/true/1 and no/false/0 in any case, tidied; else null
`matches(value, pattern)` → bool            the pattern is found; character classes are ASCII, `.` matches all
`number_of(value)` → decimal(38,10)         plain decimal notation (no exponent) between blanks, else null
`whole_number_of(value)` → bigint           up to 18 digits and nothing else, else null
`seconds_between(a, b)` → decimal(38,10)    b - a in seconds, exact to the microsecond
`day_in_zone(ts, zone)` → date              calendar day of an instant in an IANA zone
`day_start(day, zone)` → timestamp          first instant of a calendar day in an IANA zone
`month_start(day)` → date                   first day of the month
`whole_months(a, b)` → bigint               whole calendar months (UTC) from a to b, rounded down
`from_epoch_ms(ms)` → timestamp             instant of milliseconds since 1970
`instant_of(value)` → timestamp             instant of seconds since 1970 written as up to 11 digits, else null
`wilson_low(yes, n)` → decimal(38,10)       lower end of the 95 % Wilson interval of yes / n, in percent to 4 places
`wilson_high(yes, n)` → decimal(38,10)      its upper end; both null when n is 0
`tidy(value)` → text                        without blanks around it; null when nothing is left
`uuid_of(value)`, `email_of(value)` → text  tidied, lower case; null when it is no UUID or no e-mail address
`intake_email_of(value)` → text             the same; null also when longer than 254 or with two dots in its domain
`click_id(kind, value)` → text              the identifier of an advertising platform, tidied; null when it is none
`stable_id(value)` → text                   32 hexadecimal digits that only the value decides
`byte_order(value)`                         what texts are ordered and compared by, whatever the database's language
`min_text(value)` → text                    aggregate: the first text in byte order
`instant_text(ts)` → text                   an instant as `2026-01-31T12:00:00.000000Z`
`json_string(value)` → text                 the text as JSON, quotes included; `null` for null
`query_of(url)` → text                      what stands between `?` and `#`
`query_value(query, name)` → text           first value of a parameter, decoded and tidied; null when empty
`host_of(url)` → text                       host in lower case without `www.` and port; null when there is none
`within_host(host, domain)` → bool          the host is the domain or below it; false when either is null
`channel_of(source, medium, campaign, ...)` the marketing channel of a visit; texts in lower case, tidied
`is_channel(value)` → bool                  the text is a marketing channel; null for null
`share_of(part, whole)` → decimal(38,26)    part / whole of whole numbers, 0 <= part <= whole, to 12 places, half up
`half_life_weight(seconds, days)` → bigint  10^15 halved after every so many days
==========================================  ==================================================================

Limits: `ratio` takes INT, DECIMAL and MONEY with |d| below 8.5e17 and a result that fits decimal(38,10); `portion`
takes |v| and a result below 1e12, n below 1e17 and n and d with up to 10 decimals. What `portion` cuts off stays far
below the 1e-20 within which `cents` still takes a value for a half, so thirds that add up to half a cent round as they
should. Patterns use what RE2 and PostgreSQL share (no look-around, no back references, `(?i)` first, `[0-9]` rather
than locale classes); numbers inside JSON come out without trailing zeros and to 15 digits.
"""

import hashlib

from hubspot_platform.warehouse import web_functions
from hubspot_platform.warehouse.web_functions import PADDING, TRIMMED

_SCALED = "cast(trunc({0}) as hugeint) * 10000000000 + cast(({0} - trunc({0})) * 10000000000 as hugeint)"


def _duckdb_ratio() -> str:
    # DuckDB's `/` is a DOUBLE even for decimals, so the division is done on integers scaled by 10^10: the whole
    # part first, then the remainder, which keeps 128-bit integers from overflowing.
    n = "abs(" + _SCALED.format("cast(n as decimal(38, 10))") + ")"
    d = "abs(" + _SCALED.format("cast(d as decimal(38, 10))") + ")"
    whole, rest = f"({n} // {d})", f"({n} % {d})"
    tail = f"(({rest} * 20000000000 + {d}) // ({d} * 2))"
    quotient = (
        f"cast({whole} as decimal(28, 0)) + cast({tail} as decimal(38, 0)) * cast(0.0000000001 as decimal(10, 10))"
    )
    return (
        "create or replace macro ratio(n, d) as case when n is null or d is null or d = 0 then null "
        f"else cast(({quotient}) * cast(sign(n) * sign(d) as decimal(1, 0)) as decimal(38, 10)) end"
    )


_ONE_UNIT = "cast(0.00000000000000000000000001 as decimal(26, 26))"
_CUT_OFF = "cast(0.00000000000000000001 as decimal(38, 26))"


def _duckdb_portion() -> tuple[str, ...]:
    # A decimal(38,26) times anything overflows DuckDB's decimals, so the digits are taken as a 128-bit integer.
    return (
        """create or replace macro _digits_of(v) as
            cast(replace(cast(cast(v as decimal(38, 26)) as varchar), '.', '') as hugeint)""",
        """create or replace macro _scaled_to_integer(x) as
            cast(cast(x as decimal(38, 10)) * cast(10000000000 as decimal(11, 0)) as hugeint)""",
        "create or replace macro _whole_portion(v, n, d) as (v // d) * n + ((v % d) * n) // d",
        f"""create or replace macro portion(v, n, d) as case when d <> 0 then cast(
            cast(_whole_portion(_digits_of(v), _scaled_to_integer(n), _scaled_to_integer(d)) as decimal(38, 0))
                * {_ONE_UNIT} as decimal(38, 26)) end""",
        """create or replace macro after_percentages(v, p) as list_reduce(
            list_sort(list(cast(p as decimal(38, 10)))),
            lambda rest, percent: portion(rest, 100 - percent, 100),
            cast(max(v) as decimal(38, 26)))""",
        f"""create or replace macro cents(v) as cast(
            round(cast(v as decimal(38, 26)) + sign(v) * {_CUT_OFF}, 2) as decimal(18, 4))""",
    )


_NUMBER = rf"^[{PADDING}]*[-+]?([0-9]{{1,28}}([.][0-9]*)?|[.][0-9]+)[{PADDING}]*$"
# Of a midnight that the clocks show twice, an hour apart, the engines find the second one.
_FIRST_INSTANT = (
    "timezone(zone, {midnight}) - case "
    "when timezone(zone, timezone(zone, {midnight}) - interval '1 hour') >= {midnight} then interval '1 hour' "
    "else interval '0 hour' end"
)
_WILSON_ENDS = (("wilson_low", "-"), ("wilson_high", "+"))
# Only such a key would find something in an array, so that the document's type is looked at for such a key only.
_PLACE_KEY = "regexp_matches(key, '^[0-9]*$|^-$')"
_POINTER = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"


def _wilson(sign: str, yes: str, n: str) -> str:
    """Return an end of the Wilson score interval as DOUBLE: the same operations in the same order on every engine."""
    z = "cast(1.959963984540054 as double precision)"
    squared = f"({z} * {z})"
    spread = f"sqrt(({yes} * ({n} - {yes}) / {n} + {squared} / 4))"
    return f"100 * ({yes} + {squared} / 2 {sign} {z} * {spread}) / ({n} + {squared})"


_MINOR_UNITS = """case
    when currency in ('JPY', 'KRW', 'CLP', 'VND') then 1
    when currency in ('KWD', 'BHD', 'JOD', 'OMR', 'TND') then 1000
    else 100 end"""
_RATE_REFUSED = """case
    when currency = 'USD' then null
    when dated is null then 'fx_missing'
    when refused = 'fx_invalid' then 'fx_invalid'
    when day - dated > 7 then 'fx_stale'
    else refused end"""
_ARR_RANGE = """case
    when arr = 0 then '0'
    when arr <= 2000 then '1-2000'
    when arr <= 8000 then '2001-8000'
    when arr > 8000 then '8001+' end"""


DUCKDB: tuple[str, ...] = (
    f"""create or replace macro json_text(doc, key) as case
        when {_PLACE_KEY} and json_type(doc) <> 'OBJECT' then null
        when json_type(doc, {_POINTER}) in ('OBJECT', 'ARRAY', 'DOUBLE') then
            case when json_type(doc, {_POINTER}) = 'DOUBLE'
            then regexp_replace(regexp_replace(json_extract_string(doc, {_POINTER}), '[.]0$', ''), '^-0$', '0') end
        else json_extract_string(doc, {_POINTER}) end""",
    f"""create or replace macro json_part(doc, key) as case
        when {_PLACE_KEY} and json_type(doc) <> 'OBJECT' then null
        else nullif(json_extract(doc, {_POINTER}), cast('null' as json)) end""",
    "create or replace macro json_texts(doc, paths) as json_extract_string(doc, string_split(paths, ' '))",
    """create or replace macro nth_text(texts, n) as case
        when left(texts[n], 1) not in ('{', '[') then texts[n] end""",
    """create or replace macro json_items(doc) as table
        select unnest(items) as item, generate_subscripts(items, 1) as position
        from (select case when json_type(doc) = 'ARRAY' then json_extract(doc, '$[*]') end as items)""",
    """create or replace macro json_pairs(doc) as table
        select unnest(map_keys(pairs)) as name, unnest(map_values(pairs)) as value
        from (
            select case when json_type(doc) = 'OBJECT' then from_json(doc, '"MAP(VARCHAR, VARCHAR)"') end as pairs)""",
    _duckdb_ratio(),
    *_duckdb_portion(),
    f"create or replace macro minor_units(currency) as cast({_MINOR_UNITS} as bigint)",
    f"create or replace macro rate_refused(currency, dated, refused, day) as {_RATE_REFUSED}",
    f"create or replace macro arr_range(arr) as {_ARR_RANGE}",
    f"""create or replace macro yes_no(value) as case
        when lower({TRIMMED}) in ('yes', 'true', '1') then true
        when lower({TRIMMED}) in ('no', 'false', '0') then false end""",
    "create or replace macro matches(value, pattern) as regexp_matches(value, pattern, 's')",
    f"""create or replace macro number_of(value) as case
        when regexp_matches(value, '{_NUMBER}') then cast({TRIMMED} as decimal(38, 10)) end""",
    """create or replace macro whole_number_of(value) as case
        when regexp_matches(value, '^[0-9]{1,18}$') then cast(value as bigint) end""",
    """create or replace macro instant_of(value) as case
        when regexp_matches(value, '^[0-9]{1,11}$') then make_timestamptz(cast(value as bigint) * 1000000) end""",
    """create or replace macro seconds_between(a, b) as cast(
        cast(epoch_us(cast(b as timestamptz)) - epoch_us(cast(a as timestamptz)) as decimal(20, 0))
            * cast(0.000001 as decimal(6, 6))
        as decimal(38, 10))""",
    "create or replace macro day_in_zone(ts, zone) as cast(timezone(zone, cast(ts as timestamptz)) as date)",
    f"create or replace macro day_start(day, zone) as {_FIRST_INSTANT.format(midnight='cast(day as timestamp)')}",
    "create or replace macro month_start(day) as cast(date_trunc('month', cast(day as date)) as date)",
    """create or replace macro _into_month(ts) as timezone('UTC', ts) - date_trunc('month', timezone('UTC', ts))""",
    """create or replace macro whole_months(a, b) as cast(
        (year(timezone('UTC', b)) - year(timezone('UTC', a))) * 12
            + month(timezone('UTC', b)) - month(timezone('UTC', a))
            - case when _into_month(b) < _into_month(a) then 1 else 0 end
        as bigint)""",
    "create or replace macro from_epoch_ms(ms) as make_timestamptz(cast(ms as bigint) * 1000)",
    """create or replace macro version_of(value, occurred_at) as coalesce(
        whole_number_of(value), cast(seconds_between(from_epoch_ms(0), occurred_at) * 1000 as bigint))""",
    *(
        f"""create or replace macro {name}(yes, n) as case when n > 0 then cast(cast(
            {_wilson(sign, "cast(yes as double)", "cast(n as double)")} as decimal(18, 4)) as decimal(38, 10)) end"""
        for name, sign in _WILSON_ENDS
    ),
)

_SQL = "language sql immutable parallel safe as"

POSTGRES: tuple[str, ...] = (
    f"""create or replace function _platform.json_text(doc jsonb, key text) returns text {_SQL} $$
        select case jsonb_typeof(doc -> key)
            when 'object' then null when 'array' then null
            when 'number' then trim_scale((doc ->> key)::numeric)::text
            else doc ->> key end $$""",
    f"""create or replace function _platform.json_part(doc jsonb, key text) returns jsonb {_SQL} $$
        select nullif(doc -> key, 'null'::jsonb) $$""",
    f"""create or replace function _platform.json_texts(doc jsonb, paths text) returns text[] {_SQL} $$
        select array(
            select doc #>> string_to_array(substr(p.path, 2), '/')
            from unnest(string_to_array(paths, ' ')) with ordinality as p (path, place) order by p.place) $$""",
    f"""create or replace function _platform.nth_text(texts text[], n integer) returns text {_SQL} $$
        select case when left(texts[n], 1) not in ('{{', '[') then texts[n] end $$""",
    f"""create or replace function _platform.json_items(doc jsonb) returns table (item jsonb, "position" bigint)
        {_SQL} $$ select * from jsonb_array_elements(
            case when jsonb_typeof(doc) = 'array' then doc else '[]'::jsonb end) with ordinality $$""",
    f"""create or replace function _platform.json_pairs(doc jsonb) returns table (name text, value text)
        {_SQL} $$ select * from jsonb_each_text(
            case when jsonb_typeof(doc) = 'object' then doc else '{{}}'::jsonb end) $$""",
    f"""create or replace function _platform.ratio(n numeric, d numeric) returns numeric {_SQL} $$
        select case when d <> 0 then (sign(n) * sign(d) * 0.0000000001 * div(
            abs(round(n, 10)) * 20000000000 + abs(round(d, 10)), 2 * abs(round(d, 10))))::numeric(38, 10) end $$""",
    f"""create or replace function _platform.portion(v numeric, n numeric, d numeric) returns numeric {_SQL} $$
        select case when d <> 0 then
            (div(v * 100000000000000000000000000 * n, d) * 0.00000000000000000000000001)::numeric(38, 26) end $$""",
    f"""create or replace function _platform.percentages_step(so_far numeric[], v numeric, p numeric)
        returns numeric[] {_SQL} $$ select coalesce(so_far, array[v]) || p $$""",
    """create or replace function _platform.percentages_end(so_far numeric[]) returns numeric
        language plpgsql immutable parallel safe as $$
        declare rest numeric := so_far[1]; percent numeric;
        begin
            for percent in select unnest(so_far[2:]) order by 1 loop
                rest := _platform.portion(rest, 100 - percent, 100);
            end loop;
            return rest;
        end $$""",
    """create or replace aggregate _platform.after_percentages(numeric, numeric) (
        sfunc = _platform.percentages_step, stype = numeric[], finalfunc = _platform.percentages_end,
        parallel = safe)""",
    f"""create or replace function _platform.cents(v numeric) returns numeric {_SQL} $$
        select round(v + sign(v) * 0.00000000000000000001, 2)::numeric(18, 4) $$""",
    f"""create or replace function _platform.minor_units(currency text) returns bigint {_SQL} $$
        select cast({_MINOR_UNITS} as bigint) $$""",
    f"""create or replace function _platform.rate_refused(currency text, dated date, refused text, day date)
        returns text {_SQL} $$ select {_RATE_REFUSED} $$""",
    f"""create or replace function _platform.arr_range(arr numeric) returns text {_SQL} $$ select {_ARR_RANGE} $$""",
    f"""create or replace function _platform.yes_no(value text) returns boolean {_SQL} $$
        select case
            when lower({TRIMMED}) in ('yes', 'true', '1') then true
            when lower({TRIMMED}) in ('no', 'false', '0') then false end $$""",
    f"""create or replace function _platform.matches(value text, pattern text) returns boolean {_SQL} $$
        select value collate "C" ~ pattern $$""",
    f"""create or replace function _platform.number_of(value text) returns numeric {_SQL} $$
        select case when value ~ '{_NUMBER}'
            then {TRIMMED}::numeric(38, 10) end $$""",
    f"""create or replace function _platform.whole_number_of(value text) returns bigint {_SQL} $$
        select case when value ~ '^[0-9]{{1,18}}$' then value::bigint end $$""",
    f"""create or replace function _platform.instant_of(value text) returns timestamptz {_SQL} $$
        select case when value ~ '^[0-9]{{1,11}}$'
            then timestamptz '1970-01-01 00:00:00+00' + value::bigint * interval '1 second' end $$""",
    f"""create or replace function _platform.seconds_between(a timestamptz, b timestamptz) returns numeric {_SQL} $$
        select (extract(epoch from b) - extract(epoch from a))::numeric(38, 10) $$""",
    f"""create or replace function _platform.day_in_zone(ts timestamptz, zone text) returns date {_SQL} $$
        select timezone(zone, ts)::date $$""",
    f"""create or replace function _platform.day_start(day date, zone text) returns timestamptz {_SQL} $$
        select {_FIRST_INSTANT.format(midnight="day::timestamp")} $$""",
    f"""create or replace function _platform.month_start(day date) returns date {_SQL} $$
        select date_trunc('month', day::timestamp)::date $$""",
    f"""create or replace function _platform.whole_months(a timestamptz, b timestamptz) returns bigint {_SQL} $$
        select ((extract(year from b at time zone 'UTC') - extract(year from a at time zone 'UTC')) * 12
            + extract(month from b at time zone 'UTC') - extract(month from a at time zone 'UTC')
            - case when (b at time zone 'UTC') - date_trunc('month', b at time zone 'UTC')
                < (a at time zone 'UTC') - date_trunc('month', a at time zone 'UTC') then 1 else 0 end)::bigint $$""",
    f"""create or replace function _platform.from_epoch_ms(ms bigint) returns timestamptz {_SQL} $$
        select timestamptz '1970-01-01 00:00:00+00' + ms * interval '1 millisecond' $$""",
    f"""create or replace function _platform.version_of(value text, occurred_at timestamptz) returns bigint {_SQL} $$
        select coalesce(
            _platform.whole_number_of(value),
            (_platform.seconds_between(_platform.from_epoch_ms(0), occurred_at) * 1000)::bigint) $$""",
    *(
        f"""create or replace function _platform.{name}(yes numeric, n numeric) returns numeric {_SQL} $$
        select case when n > 0 then round(({_wilson(sign, "yes::float8", "n::float8")})::numeric, 4)::numeric(38, 10)
            end $$"""
        for name, sign in _WILSON_ENDS
    ),
)

DUCKDB += web_functions.DUCKDB
POSTGRES += web_functions.POSTGRES
VERSION = hashlib.sha256("\n".join(DUCKDB + POSTGRES).encode()).hexdigest()[:16]
