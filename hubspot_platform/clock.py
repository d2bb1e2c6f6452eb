"""The platform's one notion of "now".

Every function that needs the time takes a `Clock`; processes pass `utc_now`, tests pass their own.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the host's time as an aware UTC datetime with microseconds."""
    return datetime.now(UTC)
