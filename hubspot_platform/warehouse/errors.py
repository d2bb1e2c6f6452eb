"""The errors a warehouse raises; callers above `warehouse/` catch these and no driver's own."""

from hubspot_platform.errors import PlatformError


class WarehouseError(PlatformError):
    """The warehouse refused or could not do something; `retryable` says whether the same call may work later."""

    retryable = False


class WarehouseLocked(WarehouseError):
    """Another process or thread kept the warehouse beyond the wait; nothing was written. `holder_pid` if known."""

    retryable = True

    def __init__(self, message: str, *, holder_pid: int | None = None, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.holder_pid = holder_pid


class WarehouseUnavailable(WarehouseError):
    """The warehouse's server or disk did not answer; nothing of the current transaction was written."""

    retryable = True


class WarehouseUnreadable(WarehouseError):
    """The warehouse file is damaged or is no warehouse; nothing is written to it."""


class NothingPublished(WarehouseError):
    """A reader came before anything was ever written."""


class RowsRefused(WarehouseError):
    """The rows do not fit the table: unknown column, value that does not convert, null in a key."""


class DuplicateKey(RowsRefused):
    """The write would leave two rows with one key; nothing was written."""


class QueryRefused(WarehouseError):
    """The engine refused the SQL: syntax, a missing table or column, a value out of range."""


class ViewInTheWay(QueryRefused):
    """A view of somebody else cannot read the table that takes another's place; nothing was changed."""

    def __init__(self, view: str, problem: str) -> None:
        super().__init__(
            f"view {view} cannot read the new table: {problem}", mend=f"drop view {view}, make it anew after"
        )
        self.view = view
