"""Names of tables and columns that fit any database.

Used for what a portal names itself: properties (`mirror/tables.py`) and custom objects (`hubspot/custom_objects.py`).
"""

import hashlib

# PostgreSQL cuts identifiers after 63 bytes; HubSpot's property names have up to 100 characters.
_LONGEST = 63


def fitted(identifier: str, *, told_apart_by: str | None = None) -> str:
    """Return the identifier; one PostgreSQL would cut ends in a short hash instead, of `told_apart_by` if given."""
    if len(identifier) <= _LONGEST:
        return identifier
    digest = hashlib.sha256((told_apart_by or identifier).encode()).hexdigest()[:8]
    return f"{identifier[: _LONGEST - 9]}_{digest}"
