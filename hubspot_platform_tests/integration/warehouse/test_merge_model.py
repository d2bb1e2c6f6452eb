"""Any row of merges leaves the warehouse as a dictionary would be: one row per key, newer wins, counts add up."""

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_platform.warehouse import Column, LogicalType, MergeCounts, Table, Warehouse
from hubspot_platform_tests.support.warehouse import at, rows

_numbers = itertools.count()
_row = st.tuples(st.integers(0, 5), st.none() | st.integers(0, 3), st.sampled_from("abc"))
_batches = st.lists(st.tuples(st.booleans(), st.lists(_row, min_size=1, max_size=8)), min_size=1, max_size=5)


def _expected(model: dict[int, dict[str, Any]], batch: list[dict[str, Any]]) -> MergeCounts:
    """Apply a batch to the model the way the merge is defined, one row at a time."""
    chosen: dict[int, dict[str, Any]] = {}
    for row in batch:
        best = chosen.get(row["id"])
        moment = row["updated_at"]
        if best is None or best["updated_at"] is None or (moment is not None and moment >= best["updated_at"]):
            chosen[row["id"]] = row
    counts = MergeCounts(deduplicated=len(batch) - len(chosen))
    for key, row in chosen.items():
        old = model.get(key)
        if old is None:
            counts += MergeCounts(inserted=1)
            model[key] = {"content": None, "extra": None} | row
        elif old["updated_at"] is not None and row["updated_at"] is not None and row["updated_at"] < old["updated_at"]:
            counts += MergeCounts(stale=1)
        elif old["updated_at"] == row["updated_at"] and old["content"] == row["content"]:
            counts += MergeCounts(unchanged=1)
        else:
            counts += MergeCounts(updated=1)
            model[key] = old | row
    return counts


@settings(max_examples=30)
@given(batches=_batches)
def test_merges_behave_like_a_dictionary(warehouse: Warehouse, batches: list[Any]) -> None:
    columns = {
        "id": LogicalType.INT,
        "updated_at": LogicalType.TIMESTAMP,
        "content": LogicalType.TEXT,
        "extra": LogicalType.TEXT,
    }
    table = Table("model", f"t{next(_numbers)}", tuple(Column(n, t) for n, t in columns.items()), key=("id",))
    model: dict[int, dict[str, Any]] = {}
    with warehouse.writer() as session:
        session.ensure(table)
        for with_extra, batch in batches:
            records = [
                {"id": key, "updated_at": None if minute is None else at(minute), "content": content}
                | ({"extra": content * 2} if with_extra else {})
                for key, minute, content in batch
            ]
            expected = _expected(model, records)
            assert session.merge(table, rows(table, *records), newer_by="updated_at", content="content") == expected
            assert expected.total == len(records)
        found = session.query(f"select * from {table.qualified}").to_pylist()
    assert len({row["id"] for row in found}) == len(found)
    assert {row["id"]: row for row in found} == model
