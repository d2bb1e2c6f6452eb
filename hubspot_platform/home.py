"""The platform's home folder: what must be there before any process starts.

Every command calls `prepare_home` first. Those that run Dagster also call `automation.instance.prepare_instance`.
"""

from datetime import timedelta

from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.errors import ConfigurationError
from hubspot_platform.runtime import Platform
from hubspot_platform.settings import Settings

# Enough for every schedule's first tick. The full read completes all hours before the first partition at once, and
# each partition more is an event per table in the first run of every object.
HISTORY = timedelta(hours=2)


def prepare_home(settings: Settings, clock: Clock = utc_now) -> None:
    """Make folders, remember the first partition and migrate the state store; safe to call again and by many."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot write to {settings.home}: {error.strerror}"
        raise ConfigurationError("PLATFORM_HOME", problem, mend="give a folder this user may write to") from error
    _remember_first_partition(settings, clock)
    platform = Platform(settings, clock)
    platform.state()
    platform.close()


def _remember_first_partition(settings: Settings, clock: Clock) -> None:
    """Write down two hours before now as the first hourly partition, once per home: it may never move afterwards."""
    if settings.mirror_start is not None:
        return
    first = (clock() - HISTORY).replace(minute=0, second=0, microsecond=0)
    try:
        with settings.mirror_start_file.open("x", encoding="ascii") as file:
            file.write(first.isoformat())
    except FileExistsError:
        return
