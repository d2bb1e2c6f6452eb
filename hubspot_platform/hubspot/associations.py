"""Reading associations with their types: v4 `batch/read`, 1,000 records a call, each with its own paging.

The mirror calls `read_associations` for the records of every chunk it writes.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.crew import Emit, side_by_side
from hubspot_platform.hubspot.errors import CursorLoop, MalformedResponse, Refusal
from hubspot_platform.hubspot.records import Json
from hubspot_platform.hubspot.transport import Transport, next_cursor, results_of
from hubspot_platform.lanes import Lane

INPUTS = 1_000
_IN_FLIGHT = 4


@dataclass(frozen=True)
class AssociationRow:
    """One association type between two records; a pair may have several. `label` is None for the unlabelled
    one.
    """

    from_id: int
    to_id: int
    category: str
    type_id: int
    label: str | None


async def read_associations(
    transport: Transport,
    obj: ObjectType,
    to_type: str,
    ids: Sequence[int],
    *,
    lane: Lane = Lane.SYNC,
) -> AsyncGenerator[list[AssociationRow], None]:
    """Yield the associations of the records `ids` to `to_type` (a plural path), each row once.

    A list holds everything of up to 1,000 records, so when the iteration ends without an error the rows are
    all there are and records without rows have none. Raises the errors of `hubspot.errors`.
    """
    unique = list(dict.fromkeys(ids))
    todo = [unique[start : start + INPUTS] for start in range(0, len(unique), INPUTS)]
    path = transport.policy.path("associations", obj.path, to_type, "batch", "read")

    async def work(emit: Emit[list[AssociationRow]]) -> None:
        while todo:
            await emit(await _read_batch(transport, path, todo.pop(), lane))

    workers = min(_IN_FLIGHT, len(todo))
    async with aclosing(side_by_side(workers, work, buffer=2 * _IN_FLIGHT)) as batches:
        async for rows in batches:
            yield rows


async def _read_batch(transport: Transport, path: str, ids: Sequence[int], lane: Lane) -> list[AssociationRow]:
    """Read one batch and follow the cursor of every record that has more."""
    rows: dict[AssociationRow, None] = {}
    inputs: list[Json] = [{"id": str(record_id)} for record_id in ids]
    asked: set[tuple[str, str]] = set()
    page_number = 0
    while inputs:
        page_number += 1
        page = await transport.post_json(path, {"inputs": inputs}, lane=lane)
        _check_errors(page, path)
        inputs = []
        for result in results_of(page, f"POST {path}"):
            rows.update(dict.fromkeys(_rows_of(result)))
            cursor = next_cursor(result)
            if cursor is None:
                continue
            following = (str(result["from"]["id"]), cursor)
            if following in asked:
                raise CursorLoop(f"POST {path}", page=page_number, cursor=cursor)
            asked.add(following)
            inputs.append({"id": following[0], "after": cursor})
    return list(rows)


def _rows_of(result: Json) -> list[AssociationRow]:
    from_id = int(result["from"]["id"])
    return [
        AssociationRow(
            from_id=from_id,
            to_id=int(to["toObjectId"]),
            category=str(kind["category"]),
            type_id=int(kind["typeId"]),
            label=kind.get("label"),
        )
        for to in result.get("to") or []
        for kind in to.get("associationTypes") or []
    ]


def _check_errors(page: Json, path: str) -> None:
    """Accept "has no associations" and "does not exist" as empty; anything else fails the batch."""
    listed = page.get("errors")
    for error in listed if isinstance(listed, list) else []:
        if error.get("category") != "OBJECT_NOT_FOUND":
            refusal = Refusal(207, str(error.get("message") or ""), str(error.get("category") or ""))
            raise MalformedResponse(f"POST {path}", refusal)
