"""The Dagster instance of a home: its configuration put where Dagster reads it, its pools limited, opened.

Called by the commands that run Dagster or execute runs.
"""

import os
import shutil
from pathlib import Path

import dagster as dg

from hubspot_platform.home import prepare_home
from hubspot_platform.settings import Settings
from hubspot_platform.urls import is_postgres, postgres_url

# `dagster.yaml` knows one default limit for pools; these are their own.
POOL_LIMITS = {"hubspot_api": 4, "dqa": 2, "warehouse_writer": 1}

_PACKAGE = Path(__file__).resolve().parent.parent


def packaged_file(name: str) -> Path:
    """Return a file of the checkout's top level or, installed from a wheel, its packaged copy."""
    beside = _PACKAGE.parent / name
    return beside if beside.exists() else _PACKAGE / "_deploy" / Path(name).name


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Return the variables Dagster's own processes need for this home."""
    environment = {"DAGSTER_HOME": str(settings.dagster_folder)}
    if is_postgres(settings.state):
        environment["DAGSTER_POSTGRES_URL"] = postgres_url(settings.state, "psycopg2")
    return environment


def prepare_instance(settings: Settings) -> None:
    """Make home and Dagster instance ready; safe to call by many processes and again."""
    prepare_home(settings)
    settings.dagster_folder.mkdir(parents=True, exist_ok=True)
    template = "deploy/dagster.postgres.yaml" if is_postgres(settings.state) else "dagster.yaml"
    _put(packaged_file(template), settings.dagster_folder / "dagster.yaml")
    with open_instance(settings) as instance:
        for pool, limit in POOL_LIMITS.items():
            instance.event_log_storage.set_concurrency_slots(pool, limit)


def _put(source: Path, target: Path) -> None:
    """Copy a file so that no reader ever sees half of it."""
    beside = target.with_suffix(f".{os.getpid()}")
    shutil.copyfile(source, beside)
    beside.replace(target)


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the Dagster instance of this home (a context manager)."""
    os.environ.update(dagster_environment(settings))
    return dg.DagsterInstance.from_config(str(settings.dagster_folder))
