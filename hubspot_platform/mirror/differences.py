"""What a count of the portal's ids says about the mirror, and where merged records went.

Pure: ids and times in, ids out. The passes of `mirror/passes.py` carry the answers out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Differences:
    """Ids on which mirror and portal differ.

    `missing` are live there and not here, `stale` are older here, `archived` are archived there and not here, `extra`
    are live here and listed nowhere there.
    """

    missing: tuple[int, ...]
    stale: tuple[int, ...]
    archived: tuple[int, ...]
    extra: tuple[int, ...]


def compare(stored: pa.Table, live: pa.Table, archived: pa.ChunkedArray) -> Differences:
    """Compare the mirror's rows (id, updated_at, is_deleted) with the portal's live ones (id, updated_at) and its
    archived ids. A row that is newer here than it was listed there is no difference.
    """
    here = stored.filter(pc.invert(stored["is_deleted"]))
    deleted = stored.filter(stored["is_deleted"])["id"]
    both = live.join(here.select(["id", "updated_at"]).rename_columns(["id", "stored_at"]), "id", join_type="inner")
    behind = pc.or_(pc.is_null(both["stored_at"]), pc.fill_null(pc.less(both["stored_at"], both["updated_at"]), False))
    listed_anywhere = pa.chunked_array([*live["id"].chunks, *archived.chunks], pa.int64())
    return Differences(
        missing=_ids(_without(live["id"], here["id"])),
        stale=_ids(both["id"].filter(behind)),
        archived=_ids(_without(_without(archived, deleted), live["id"])),
        extra=_ids(_without(here["id"], listed_anywhere)),
    )


def restored(archived_here: pa.ChunkedArray, archived_there: pa.ChunkedArray) -> tuple[int, ...]:
    """Return the ids that are archived here and no longer there: restored, or purged from the recycle bin."""
    return _ids(_without(archived_here, archived_there))


def _without(ids: pa.ChunkedArray, others: pa.ChunkedArray) -> pa.ChunkedArray:
    return ids.filter(pc.invert(pc.is_in(ids, value_set=others.combine_chunks())))


def _ids(ids: pa.ChunkedArray) -> tuple[int, ...]:
    return tuple(sorted(set(ids.to_pylist())))


def final_survivors(merges: Iterable[tuple[int, Iterable[int]]]) -> dict[int, int]:
    """Return loser to final survivor for merges (survivor, losers), also where a survivor was merged away later.

    Ids that name each other in a circle survive as the highest of them: a merge gives the survivor a new id.
    """
    into: dict[int, int] = {}
    for survivor, losers in merges:
        for loser in losers:
            into[loser] = max(into.get(loser, survivor), survivor)
    return {loser: end for loser in into if (end := _end_of(loser, into)) != loser}


def _end_of(loser: int, into: Mapping[int, int]) -> int:
    path, current = [loser], loser
    while current in into:
        current = into[current]
        if current in path:
            return max(path[path.index(current) :])
        path.append(current)
    return current
