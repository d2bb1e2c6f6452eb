"""The index CRM search reads: a copy of the store's live records that may lag behind it.

With a lag, a change becomes visible to search only after that many seconds of portal time; until then search
answers the older version (or misses a new record), exactly what an incremental reader has to survive.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable

from hubspot_platform.sandbox.model import Record
from hubspot_platform.sandbox.store import ObjectStore

_SHIFT = 64
_REBUILD_AFTER = 2_000


class SearchIndex:
    """Versions visible to search, with the record ids ordered by last-modified instant."""

    def __init__(self, store: ObjectStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms
        self.lag_ms = 0
        self.version = 0
        self._stale: dict[int, Record | None] = {}
        self._waiting: deque[tuple[int, int, Record | None]] = deque()
        self._waiting_of: dict[int, int] = {}
        self._keys: list[int] | None = None
        self._changes = 0
        store.listeners.append(self._changed)

    def visible(self, record_id: int) -> Record | None:
        """Return the version of a record that search sees, None when it sees none."""
        if self._stale and record_id in self._stale:
            return self._stale[record_id]
        record = self._store.records.get(record_id)
        return None if record is None or record.archived_ms is not None else record

    def catch_up(self) -> None:
        """Make every change visible whose time has come."""
        now = self._now_ms()
        while self._waiting and self._waiting[0][0] <= now:
            _, record_id, record = self._waiting.popleft()
            before = self._stale.pop(record_id, None)
            left = self._waiting_of.pop(record_id) - 1
            if left:
                self._waiting_of[record_id] = left
                self._stale[record_id] = record
            self._place(record_id, before, record)

    def set_lag(self, seconds: float) -> None:
        """Change the lag; with 0 everything becomes visible at once."""
        self.lag_ms = int(seconds * 1000)
        if self.lag_ms == 0:
            self._waiting = deque((0, i, r) for _, i, r in self._waiting)
            self.catch_up()

    def between(self, low_ms: int, high_ms: int) -> list[int]:
        """Return the ids modified in [low, high] (inclusive, epoch ms), ordered by instant, then id."""
        keys = self._ordered()
        start = bisect_left(keys, low_ms << _SHIFT)
        end = bisect_left(keys, (high_ms + 1) << _SHIFT)
        mask = (1 << _SHIFT) - 1
        return [key & mask for key in keys[start:end]]

    def all_ids(self) -> list[int]:
        """Return every id search can see, in id order."""
        if not self._stale:
            return self._store.live_ids
        mask = (1 << _SHIFT) - 1
        return sorted(key & mask for key in self._ordered())

    def _ordered(self) -> list[int]:
        if self._keys is None:
            seen = (self.visible(i) for i in {*self._store.live_ids, *self._stale})
            self._keys = sorted((r.updated_ms << _SHIFT) | r.id for r in seen if r is not None)
        self._changes = 0
        return self._keys

    def _changed(self, record_id: int, before: Record | None, now: Record | None) -> None:
        if self.lag_ms == 0 and not self._waiting:
            self._place(record_id, before, now)
            return
        if record_id not in self._waiting_of:
            self._stale[record_id] = before
        self._waiting_of[record_id] = self._waiting_of.get(record_id, 0) + 1
        self._waiting.append((self._now_ms() + self.lag_ms, record_id, now))

    def _place(self, record_id: int, before: Record | None, now: Record | None) -> None:
        self.version += 1
        if self._keys is None:
            return
        self._changes += 1
        if self._changes > _REBUILD_AFTER:
            self._keys = None
            return
        if before is not None:
            self._keys.pop(bisect_left(self._keys, (before.updated_ms << _SHIFT) | record_id))
        if now is not None:
            insort(self._keys, (now.updated_ms << _SHIFT) | record_id)
