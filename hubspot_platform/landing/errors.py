"""What landing refuses, each error naming the source, the table and the column. Raised by `landing/` only."""

from hubspot_platform.errors import PlatformError


class LandingError(PlatformError):
    """A table was not landed; what was there before is unchanged."""


class MissingTable(LandingError):
    """The source does not have a table it must have."""


class MissingColumn(LandingError):
    """The source's table lacks a column it must have."""


class SourceUnreadable(LandingError):
    """The source is there and cannot be read: a damaged file, a refused query, an address of no known kind."""


class SourceUnavailable(LandingError):
    """The source cannot be reached now; trying again may help."""

    retryable = True


class FarFewerRows(LandingError):
    """The source has so much less than what is stored that something upstream is probably wrong."""
