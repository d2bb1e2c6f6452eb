"""The base of every error the platform raises on purpose.

Each area defines its own subclasses beside the code that raises them. The command line prints the message and
the mend; Dagster shows both in the failed step.
"""


class PlatformError(Exception):
    """Something the platform refuses or cannot do; `mend` says what the reader can do about it."""

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.mend = mend

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} — {self.mend}" if self.mend else message


class ConfigurationError(PlatformError):
    """A setting is missing or wrong; `variable` names it."""

    def __init__(self, variable: str, problem: str, *, mend: str) -> None:
        super().__init__(f"{variable}: {problem}", mend=mend)
        self.variable = variable


class PlatformWarning(UserWarning):
    """A condition worth a look that does not stop the work."""


class UsageError(PlatformError):
    """A command or function was asked for something that does not exist or does not go together."""
