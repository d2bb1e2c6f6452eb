"""Replacing a PostgreSQL table or view by another, without losing what hangs on the old one.

Called by `PostgresSession.create_from_select` and `create_view` inside their transactions: views that read the table,
grants and indexes made by others are put back on the new one, so that a rebuild is invisible to everybody who reads.
"""

import psycopg

from hubspot_platform.warehouse.errors import ViewInTheWay
from hubspot_platform.warehouse.model import quote

_CREATE_VIEW = "create view "
_KEY_NAME_BYTES = 58  # and "_pkey" make the 63 bytes of a name

_VIEWS = """
with recursive dependent (oid, depth) as (
    select r.ev_class, 1 from pg_depend d join pg_rewrite r on r.oid = d.objid
    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid = %s::oid and r.ev_class <> d.refobjid
    union
    select r.ev_class, p.depth + 1 from dependent p join pg_depend d on d.refobjid = p.oid
    join pg_rewrite r on r.oid = d.objid
    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and r.ev_class <> p.oid
)
select c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_get_viewdef(c.oid)
from dependent p join pg_class c on c.oid = p.oid join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' group by 1, 2, 3 order by max(p.depth)"""

_GRANTS = """
select string_agg(format('grant %%s on %%s to %%s%%s', a.privilege_type, %s::text,
    case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
    case when a.is_grantable then ' with grant option' else '' end), '; ')
from pg_class c cross join lateral aclexplode(c.relacl) a where c.oid = %s::oid and a.grantee <> c.relowner"""

_INDEXES = """
select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = %s::oid and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)"""


def swap(
    connection: psycopg.Connection, schema: str, name: str, beside: str, *, declared: frozenset[str] = frozenset()
) -> None:
    """Drop the table and give `beside` (qualified and quoted) its name. In a transaction.

    The caller makes the `declared` indexes anew; all others are put back.
    """
    table = f"{quote(schema)}.{quote(name)}"
    later = _take_away(connection, schema, name, declared=declared)
    _run(connection, f"alter table {beside} rename to {quote(name)}")
    key = connection.execute(
        "select conname from pg_constraint where conrelid = %s::oid and contype = 'p'", [_oid(connection, schema, name)]
    ).fetchone()
    if key:
        constraint = f"{name.encode()[:_KEY_NAME_BYTES].decode(errors='ignore')}_pkey"
        _run(connection, f"alter table {table} rename constraint {quote(key[0])} to {quote(constraint)}")
    _put_back(connection, later)


def put_view(connection: psycopg.Connection, schema: str, name: str, select: str) -> None:
    """Put a view in the place of the table or view of that name, if there is one. In a transaction."""
    later = _take_away(connection, schema, name, declared=None)
    _run(connection, f"create view {quote(schema)}.{quote(name)} as {select}")
    _put_back(connection, later)


def _take_away(connection: psycopg.Connection, schema: str, name: str, *, declared: frozenset[str] | None) -> list[str]:
    """Drop the table or view and the views that read it; returns what puts back all that hung on it.

    Indexes but the `declared` ones, which are made anew; none of them (None) where a view follows, which has none.
    """
    relation = f"{quote(schema)}.{quote(name)}"
    old = _oid(connection, schema, name)
    if old is None:
        return []
    later = _grants(connection, old, relation)
    if declared is not None:
        found = connection.execute(_INDEXES, [old]).fetchall()
        later += [definition for index, definition in found if index not in declared]
    views = connection.execute(_VIEWS, [old]).fetchall()
    for oid, view, definition in views:
        later.append(f"{_CREATE_VIEW}{view} as {definition}")
        later += _grants(connection, oid, view)
    for _, view, _ in reversed(views):
        _run(connection, f"drop view {view}")
    kind = connection.execute("select relkind::text from pg_class where oid = %s::oid", [old]).fetchone()
    _run(connection, f"drop {'view' if kind == ('v',) else 'table'} {relation}")
    return later


def _oid(connection: psycopg.Connection, schema: str, name: str) -> int | None:
    found = connection.execute(
        "select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relname = %s",
        [schema, name],
    ).fetchone()
    return int(found[0]) if found else None


def _grants(connection: psycopg.Connection, oid: int, relation: str) -> list[str]:
    found = connection.execute(_GRANTS, [relation, oid]).fetchone()
    return [found[0]] if found and found[0] else []


def _put_back(connection: psycopg.Connection, statements: list[str]) -> None:
    """Put back what hung on the old table; a view that the new one's types do not suit is named."""
    for statement in statements:
        try:
            _run(connection, statement)
        except psycopg.errors.ProgrammingError as error:
            if not statement.startswith(_CREATE_VIEW):
                raise
            view = statement.removeprefix(_CREATE_VIEW).partition(" as ")[0]
            raise ViewInTheWay(view, str(error.diag.message_primary or "")) from error


def _run(connection: psycopg.Connection, sql: str) -> None:
    connection.execute(sql.encode())
