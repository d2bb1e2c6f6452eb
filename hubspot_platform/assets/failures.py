"""How platform errors end a Dagster step: retried when trying again may help, failed with the mend when not."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from hubspot_platform.errors import PlatformError

RETRIES = 2
RETRY_SECONDS = 30


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Turn a PlatformError into RetryRequested (when it says it is retryable) or into a Failure with its mend."""
    try:
        yield
    except PlatformError as error:
        if getattr(error, "retryable", False):
            raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_SECONDS) from error
        raise dg.Failure(
            description=str(error),
            metadata={"error": type(error).__name__, "mend": error.mend or "see the error"},
            allow_retries=False,
        ) from error
