"""What can go wrong with the operational state, each with the thing that failed and a mend."""

from datetime import datetime

from hubspot_platform.errors import PlatformError


class StateError(PlatformError):
    """Base of the errors of the operational state."""


class StateUnavailable(StateError):
    """The store cannot be opened or reached."""


class StateBusy(StateError):
    """Another process held the store for longer than we wait."""


class StateClosed(StateError):
    """The store or the budget was closed, or opened in a parent process before a fork."""


class StateMisuse(StateError):
    """A call that would wait for itself, such as a write from inside a write."""


class StateTooNew(StateError):
    """The store was migrated by a newer version of the platform."""


class LeaseLost(StateError):
    """The lease `name` belongs to somebody else now, or to nobody; what it protected must not be written."""

    def __init__(self, name: str, token: int) -> None:
        super().__init__(
            f"lease {name!r} with token {token} is lost",
            mend="nothing was written; run again, the new holder's progress is kept",
        )
        self.name = name
        self.token = token


class LeaseBusy(StateError):
    """The lease `name` is held by `holder` and did not come free in the time given."""

    def __init__(self, name: str, holder: str, expires_at: datetime) -> None:
        super().__init__(
            f"lease {name!r} is held by {holder} until {expires_at.isoformat(timespec='seconds')} or longer",
            mend="wait for the other run, or end it: its lease expires by itself",
        )
        self.name = name
        self.holder = holder
        self.expires_at = expires_at


class QuotaExhausted(StateError):
    """The day's share of API calls is used; only critical calls go through until `resets_at`."""

    def __init__(self, share_used: float, resets_at: datetime) -> None:
        super().__init__(
            f"{share_used:.1%} of the day's API calls are used",
            mend=f"work resumes at {resets_at.isoformat(timespec='seconds')}, the portal's midnight",
        )
        self.share_used = share_used
        self.resets_at = resets_at
