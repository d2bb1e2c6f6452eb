"""Portable SQL helpers: the same names and the same answers as DuckDB macros and as PostgreSQL functions.

SQL models use these wherever the two engines differ: JSON, patterns, division, number parsing, days of a time zone.
The engines install them when a warehouse is first opened for writing and again when `VERSION` changes; DuckDB keeps
them in schema `main` of the file (so that published copies carry them), PostgreSQL in `_platform`, which is on the
search path of every session. All are called unqualified.

==========================================  ==================================================================
`json_text(doc, key)` → text                scalar of a top-level key; null for null, objects, arrays, no object
`json_part(doc, key)` → json                value of a top-level key; null when missing or JSON null
`json_items(doc)` → rows (item, position)   elements of an array, from 1; none for anything else; use laterally
`json_pairs(doc)` → rows (name, value)      keys of an object and its scalars as text; none for anything else
`ratio(n, d)` → decimal(38,10)              n / d exactly, half away from zero; null when d is 0 or either is null
`yes_no(value)` → bool                      yes/true/1 and no/false/0 in any case and padding; else null
`matches(value, pattern)` → bool            the pattern is found; character classes are ASCII, `.` matches all
`number_of(value)` → decimal(38,10)         plain decimal notation (no exponent), else null
`seconds_between(a, b)` → decimal(38,10)    b - a in seconds, exact to the microsecond
`day_in_zone(ts, zone)` → date              calendar day of an instant in an IANA zone
`day_start(day, zone)` → timestamp          instant at which a calendar day begins in an IANA zone
`month_start(day)` → date                   first day of the month
`from_epoch_ms(ms)` → timestamp             instant of milliseconds since 1970
==========================================  ==================================================================

Limits: `ratio` takes INT, DECIMAL and MONEY with |d| below 8.5e17 and a result that fits decimal(38,10); patterns
use what RE2 and PostgreSQL share (no look-around, no back references, `(?i)` first, `[0-9]` rather than locale
classes); numbers inside JSON come out without trailing zeros and to 15 digits.
"""

import hashlib

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


_NUMBER = r"^\s*[-+]?([0-9]{1,28}([.][0-9]*)?|[.][0-9]+)\s*$"
_POINTER = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"

DUCKDB: tuple[str, ...] = (
    f"""create or replace macro json_text(doc, key) as case
        when json_type(doc) <> 'OBJECT' then null
        when json_type(doc, {_POINTER}) in ('OBJECT', 'ARRAY') then null
        when json_type(doc, {_POINTER}) = 'DOUBLE'
            then regexp_replace(regexp_replace(json_extract_string(doc, {_POINTER}), '[.]0$', ''), '^-0$', '0')
        else json_extract_string(doc, {_POINTER}) end""",
    f"""create or replace macro json_part(doc, key) as case
        when json_type(doc) <> 'OBJECT' or json_type(doc, {_POINTER}) = 'NULL' then null
        else json_extract(doc, {_POINTER}) end""",
    """create or replace macro json_items(doc) as table
        select unnest(items) as item, generate_subscripts(items, 1) as position
        from (select case when json_type(doc) = 'ARRAY' then json_extract(doc, '$[*]') end as items)""",
    """create or replace macro json_pairs(doc) as table
        select unnest(map_keys(pairs)) as name, unnest(map_values(pairs)) as value
        from (
            select case when json_type(doc) = 'OBJECT' then from_json(doc, '"MAP(VARCHAR, VARCHAR)"') end as pairs)""",
    _duckdb_ratio(),
    """create or replace macro yes_no(value) as case
        when lower(trim(value)) in ('yes', 'true', '1') then true
        when lower(trim(value)) in ('no', 'false', '0') then false end""",
    "create or replace macro matches(value, pattern) as regexp_matches(value, pattern, 's')",
    f"""create or replace macro number_of(value) as case
        when regexp_matches(value, '{_NUMBER}') then cast(trim(value, ' \t\n\r') as decimal(38, 10)) end""",
    """create or replace macro seconds_between(a, b) as cast(
        cast(epoch_us(cast(b as timestamptz)) - epoch_us(cast(a as timestamptz)) as decimal(20, 0))
            * cast(0.000001 as decimal(6, 6))
        as decimal(38, 10))""",
    "create or replace macro day_in_zone(ts, zone) as cast(timezone(zone, cast(ts as timestamptz)) as date)",
    "create or replace macro day_start(day, zone) as timezone(zone, cast(day as timestamp))",
    "create or replace macro month_start(day) as cast(date_trunc('month', cast(day as date)) as date)",
    "create or replace macro from_epoch_ms(ms) as make_timestamptz(cast(ms as bigint) * 1000)",
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
    f"""create or replace function _platform.json_items(doc jsonb) returns table (item jsonb, "position" bigint)
        {_SQL} $$ select * from jsonb_array_elements(
            case when jsonb_typeof(doc) = 'array' then doc else '[]'::jsonb end) with ordinality $$""",
    f"""create or replace function _platform.json_pairs(doc jsonb) returns table (name text, value text)
        {_SQL} $$ select * from jsonb_each_text(
            case when jsonb_typeof(doc) = 'object' then doc else '{{}}'::jsonb end) $$""",
    f"""create or replace function _platform.ratio(n numeric, d numeric) returns numeric {_SQL} $$
        select case when d <> 0 then (sign(n) * sign(d) * 0.0000000001 * div(
            abs(round(n, 10)) * 20000000000 + abs(round(d, 10)), 2 * abs(round(d, 10))))::numeric(38, 10) end $$""",
    f"""create or replace function _platform.yes_no(value text) returns boolean {_SQL} $$
        select case
            when lower(trim(value)) in ('yes', 'true', '1') then true
            when lower(trim(value)) in ('no', 'false', '0') then false end $$""",
    f"""create or replace function _platform.matches(value text, pattern text) returns boolean {_SQL} $$
        select value collate "C" ~ pattern $$""",
    f"""create or replace function _platform.number_of(value text) returns numeric {_SQL} $$
        select case when value ~ '{_NUMBER}'
            then btrim(value, E' \\t\\n\\r')::numeric(38, 10) end $$""",
    f"""create or replace function _platform.seconds_between(a timestamptz, b timestamptz) returns numeric {_SQL} $$
        select (extract(epoch from b) - extract(epoch from a))::numeric(38, 10) $$""",
    f"""create or replace function _platform.day_in_zone(ts timestamptz, zone text) returns date {_SQL} $$
        select timezone(zone, ts)::date $$""",
    f"""create or replace function _platform.day_start(day date, zone text) returns timestamptz {_SQL} $$
        select timezone(zone, day::timestamp) $$""",
    f"""create or replace function _platform.month_start(day date) returns date {_SQL} $$
        select date_trunc('month', day::timestamp)::date $$""",
    f"""create or replace function _platform.from_epoch_ms(ms bigint) returns timestamptz {_SQL} $$
        select timestamptz '1970-01-01 00:00:00+00' + ms * interval '1 millisecond' $$""",
)

VERSION = hashlib.sha256("\n".join(DUCKDB + POSTGRES).encode()).hexdigest()[:16]
