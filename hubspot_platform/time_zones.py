"""Which names are time zones: those of the IANA database that is installed with the platform.

A host knows further ones, such as `localtime`, that mean something else on the next host or nothing to a warehouse.
"""

from functools import cache
from importlib.resources import files


def is_time_zone(name: str) -> bool:
    """Return whether the name is one of the IANA database, for example Europe/Berlin or UTC."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())
