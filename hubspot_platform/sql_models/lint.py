"""The portable subset of SQL that models are written in, as an allow-list over sqlglot's tokens and tree.

A pure function from text to findings; the test suite runs it over all of `sql/`. Each finding says what to
write instead. The reasons: DuckDB divides and averages in DOUBLE, engines differ in where nulls sort, and
JSON, patterns and time zones have a dialect each, so those go through the warehouse's helper functions.
"""

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import Token, TokenType, exp

from hubspot_platform.sql_models.errors import PortabilityError
from hubspot_platform.sql_models.header import Rule, parse_header
from hubspot_platform.sql_models.lineage import ROW_HELPERS, line_of
from hubspot_platform.sql_models.parse import TYPES_TEXT, logical_type, parse_query

HELPERS = frozenset(
    {
        "json_text", "json_part", "ratio", "yes_no", "matches", "number_of",
        "seconds_between", "day_in_zone", "day_start", "month_start", "from_epoch_ms", "whole_months",
        "json_texts", "nth_text", "portion", "after_percentages", "cents", "whole_number_of", "instant_of",
        "wilson_low", "wilson_high", "minor_units", "arr_range", "rate_refused",
        "version_of",
        "tidy", "uuid_of", "email_of", "intake_email_of", "click_id", "stable_id", "byte_order", "min_text",
        "instant_text", "json_string", "query_of", "query_value", "host_of", "within_host", "channel_of",
        "half_life_weight", "share_of", "is_channel",
    }
)  # fmt: skip
_REHEARSAL = re.compile(r"\$\{([^}\n]*)\}")

_ALLOWED: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.Subquery, exp.Union, exp.With, exp.CTE, exp.Table, exp.TableAlias,
        exp.Identifier, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order,
        exp.Ordered, exp.Alias, exp.Column, exp.Literal, exp.Boolean, exp.Null, exp.Cast,
        exp.DataType, exp.DataTypeParam, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ,
        exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like, exp.Exists,
        exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.DPipe, exp.Case, exp.If, exp.Coalesce, exp.Nullif,
        exp.Lower, exp.Upper, exp.Trim, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Distinct,
        exp.Star, exp.GroupConcat, exp.RowNumber, exp.Rank, exp.Window, exp.Tuple, exp.Values, exp.Anonymous,
    }
)  # fmt: skip

_JSON_MEND = "use json_text(document, 'key') or json_part(document, 'key')"
_PATTERN_MEND = "use matches(text, 'pattern')"
_CLOCK_MEND = "a model depends on its rows only; let the source carry the time"
_INSTEAD: dict[type[exp.Expr], str] = {
    exp.Div: "use ratio(numerator, denominator), which is exact on every engine",
    exp.IntDiv: "use ratio(numerator, denominator)",
    exp.Mod: "compute it where the row is made; engines differ for negative numbers",
    exp.Avg: "use ratio(sum(x), count(x)), which is exact on every engine",
    exp.Round: "use cast(x as decimal(18, 4)), or round where the number is shown",
    exp.ILike: "use lower(x) like 'pattern'",
    exp.RegexpLike: _PATTERN_MEND,
    exp.RegexpILike: _PATTERN_MEND,
    exp.RegexpFullMatch: _PATTERN_MEND,
    exp.SimilarTo: _PATTERN_MEND,
    exp.Glob: _PATTERN_MEND,
    exp.JSONExtract: _JSON_MEND,
    exp.JSONExtractScalar: _JSON_MEND,
    exp.JSONBExtract: _JSON_MEND,
    exp.JSONBExtractScalar: _JSON_MEND,
    exp.JSONBContains: _JSON_MEND,
    exp.Bracket: _JSON_MEND,
    exp.Qualify: "number the rows in a CTE and filter it with where",
    exp.TryCast: "use number_of(text), or guard with matches(x, 'pattern') in a case, then cast",
    exp.Interval: "use seconds_between(start, end)",
    exp.Filter: "use sum(case when condition then 1 else 0 end)",
    exp.Limit: "number the rows with row_number() and filter; a table has no order",
    exp.CurrentTimestamp: _CLOCK_MEND,
    exp.CurrentDate: _CLOCK_MEND,
    exp.Rand: "use a value of the row",
    exp.AtTimeZone: "use day_in_zone(instant, zone)",
    exp.TimestampTrunc: "use day_in_zone(instant, zone)",
    exp.DateTrunc: "use day_in_zone(instant, zone)",
    exp.Extract: "use day_in_zone(instant, zone) or seconds_between(start, end)",
    exp.Unnest: "read the association tables of the mirror",
    exp.Lateral: "join a CTE, or `cross join lateral json_pairs(document) as p`",
}


def lint(text: str, file: str) -> list[PortabilityError]:
    """Return every departure from the portable subset, in order of lines; none means the model may be used.

    `${…}` names are read as a quoted column or literal. Raises HeaderError or SchemaError when the text
    cannot be read at all.
    """
    header = parse_header(text, file)
    sql = _REHEARSAL.sub(_stand_in, text)
    tree = parse_query(sql, file)
    found = [*_token_findings(sql, file), *_tree_findings(tree, file)]
    for check in header.checks:
        if check.rule is Rule.EXPRESSION:
            condition = sqlglot.parse_one(check.expression, dialect="postgres")
            found += _tree_findings(condition, file, line=check.line)
    if not found and _canonical(tree) != _canonical(parse_query(sql, file, "duckdb")):
        mend = "write it with the constructs of the portable subset only"
        found.append(PortabilityError(file, 1, "DuckDB and PostgreSQL read this text differently", mend=mend))
    return sorted(found, key=lambda finding: finding.line)


def _stand_in(found: re.Match[str]) -> str:
    return f'"{found[1]}"' if "." in found[1] else f"'{found[1]}'"


def _token_findings(sql: str, file: str) -> Iterator[PortabilityError]:
    tokens = sqlglot.tokenize(sql, dialect="postgres")
    for position, token in enumerate(tokens):
        written = sql[token.start : token.end + 1]
        if written[0] not in "'\"" and written != written.lower():
            mend = f"write {written.lower()}"
            yield PortabilityError(file, token.line, f"{written} is not lower case", mend=mend)
        if token.token_type is TokenType.DCOLON:
            yield PortabilityError(file, token.line, "`::` is a dialect's cast", mend="use cast(x as type)")
        if token.token_type is TokenType.ORDER_BY and not _nulls_stated(tokens, position):
            mend = "write `order by x asc nulls last` (or nulls first) for each term"
            yield PortabilityError(file, token.line, "an order by does not say where nulls go", mend=mend)


def _nulls_stated(tokens: list[Token], position: int) -> bool:
    """Tell whether each term of the `order by` at `position` ends with nulls first or nulls last."""
    depth, stated = 0, False
    for token in tokens[position + 1 :]:
        if token.token_type is TokenType.R_PAREN and depth == 0:
            break
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0 and token.token_type is TokenType.COMMA:
            if not stated:
                return False
            stated = False
        stated = stated or (depth == 0 and token.text.lower() == "nulls")
    return stated


def _tree_findings(tree: exp.Expr, file: str, line: int | None = None) -> Iterator[PortabilityError]:
    for node in tree.walk():
        for problem, mend in _node_problems(node):
            yield PortabilityError(file, line or line_of(node), problem, mend=mend)


def _node_problems(node: exp.Expr) -> Iterator[tuple[str, str]]:
    kind = type(node)
    if _is_row_helper(node) or _is_row_helper(node.parent):
        return
    if kind not in _ALLOWED:
        instead = _INSTEAD.get(kind, "write it with the portable subset, or add a helper function to the warehouse")
        yield f"{_shown(node)} is outside the portable subset", instead
        return
    if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
        yield "`select *` hides the columns", "name every column"
    elif isinstance(node, exp.Anonymous) and node.name not in HELPERS:
        yield f"function {node.name} is not portable", f"use one of {', '.join(sorted(HELPERS))}"
    elif isinstance(node, exp.DataType) and logical_type(node) is None:
        yield f"type {node.sql(dialect='postgres').lower()} is not allowed", f"use {TYPES_TEXT}"
    elif isinstance(node, exp.Distinct) and node.args.get("on") is not None:
        yield "`distinct on` is a dialect's own", "number the rows in a CTE and filter it with where"
    elif isinstance(node, exp.With) and node.args.get("recursive"):
        yield "a recursive CTE differs between engines", "write the steps as CTEs"
    elif isinstance(node, exp.Join):
        yield from _join_problems(node)
    elif isinstance(node, exp.Literal) and not node.is_string and "e" in node.name.lower():
        yield f"{node.name} is a floating-point number", "write all its digits"
    elif isinstance(node, exp.Table) and not node.db and not _is_cte(node):
        yield f"table {node.name} has no schema", f"write `schema.{node.name}`"


def _join_problems(node: exp.Join) -> Iterator[tuple[str, str]]:
    if node.args.get("using"):
        yield "`using` leaves columns unqualified", "write `on a.x = b.x`"
    if node.method:
        yield f"`{node.method.lower()} join` is not portable", "write `join … on`"
    if not (node.side or node.kind or node.args.get("on") or node.args.get("using")):
        yield "a comma joins two sources", "write `join … on` or `cross join`"


def _is_row_helper(node: exp.Expr | None) -> bool:
    """Tell whether `node` is `lateral helper(…) as alias`, with one of the helpers that yield rows."""
    return isinstance(node, exp.Lateral) and node.this.name in ROW_HELPERS and bool(node.alias)


def _is_cte(node: exp.Table) -> bool:
    root = node.root()
    return any(cte.alias == node.name for cte in root.find_all(exp.CTE))


def _shown(node: exp.Expr) -> str:
    text = node.sql(dialect="postgres")
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _canonical(tree: exp.Expr) -> exp.Expr:
    """Return the tree with `x is not null`, which the dialects build differently, in one form."""

    def one_form(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Is) and node.args.get("negate"):
            return exp.Not(this=exp.Is(this=node.this, expression=node.expression))
        return node

    return tree.copy().transform(one_form)
