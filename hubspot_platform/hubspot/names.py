"""Which properties to ask HubSpot for, and for which of them the earlier values as well.

The mirror makes `PropertyNames` where a portal's history is wanted; every reader takes them like any list of names.
"""

from collections.abc import Iterable, Sequence
from typing import Self


class PropertyNames(tuple[str, ...]):
    """Property names in order; `history` are those whose earlier values are wanted too."""

    history: tuple[str, ...]

    def __new__(cls, names: Iterable[str], history: Iterable[str] = ()) -> Self:
        """Return the names; the history of a property is asked for whether it is one of `names` or not."""
        made = super().__new__(cls, names)
        made.history = tuple(history)
        return made


def history_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names whose history is wanted: none for a plain list."""
    return names.history if isinstance(names, PropertyNames) else ()
