"""Turns what Dagster knows into measurements for the alert machine: check results and freshness.

Called by `automation.alerts` at each tick. Failed runs are in `automation.run_failures`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.freshness import FreshnessState, TimeWindowFreshnessPolicy

from hubspot_platform.alerting.model import Incident, Observation, Severity, Status, Topic, fingerprint
from hubspot_platform.automation.check_results import CheckResult, Cursor, Outcome, latest_cursors, news
from hubspot_platform.state import Store
from hubspot_platform.state.alerting import cursors, lock_alerting, set_cursors
from hubspot_platform.state.incidents import load, record

CHECKS = "check"
FRESHNESS = "freshness"
LEVEL_CADENCE = timedelta(minutes=5)
UNKNOWN_AFTER = timedelta(hours=26)
GRACE_AFTER_INSTALL = timedelta(minutes=15)

_CATEGORIES = {
    "T": "timeliness",
    "C": "completeness",
    "X": "consistency",
    "A": "accuracy",
}
_FRESHNESS = {
    FreshnessState.PASS: Status.PASS,
    FreshnessState.WARN: Status.WARN,
    FreshnessState.FAIL: Status.FAIL,
}

AssetGraph = BaseAssetGraph[Any]


@dataclass(frozen=True)
class Tally:
    """What one source brought: measurements taken in, notices they caused."""

    evaluations: int = 0
    notices: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.evaluations + other.evaluations, self.notices + other.notices)


@dataclass(frozen=True)
class Source:
    """Where measurements come from and go to.

    `group` gathers what opens after a downtime into one message; `daily_limit` are the configured HubSpot calls a day.
    """

    store: Store
    instance: dg.DagsterInstance
    portal_id: int | None = None
    group: str | None = None
    daily_limit: int | None = None


def observe_checks(source: Source, graph: AssetGraph, *, replay: bool = False) -> Tally:
    """Take in every check result since the last time; cursors and consequences commit together.

    The first time ever, what is already there counts as seen, unless `replay` asks for it.
    """
    store = source.store
    keys = {key.to_user_string(): key for key in graph.asset_check_keys}
    if not keys:
        return Tally()
    stored = store.read(lambda conn: cursors(conn, CHECKS))
    if "" not in stored:
        seeded = {} if replay else latest_cursors(source.instance, list(keys.values()))
        first = {key.to_user_string(): cursor for key, cursor in seeded.items()}
        store.write(lambda conn: _seed(conn, first, store.now()))
        stored = store.read(lambda conn: cursors(conn, CHECKS))
    seen = {keys[name]: cursor for name, cursor in stored.items() if name in keys}
    found = news(source.instance, list(keys.values()), seen)

    def take(conn: sa.Connection) -> Tally:
        now = store.now()
        lock_alerting(conn, now)
        moved = cursors(conn, CHECKS)
        fresh: list[CheckResult] = []
        ahead: dict[str, Cursor] = {}
        for key, update in found.items():
            name = key.to_user_string()
            if moved.get(name) != stored.get(name):
                continue  # another process took these in meanwhile
            fresh += update.results
            ahead[name] = update.cursor
        set_cursors(conn, CHECKS, ahead, now)
        fresh.sort(key=lambda result: (result.at, result.record_id))
        observations = [observation_of(result, source.portal_id) for result in fresh]
        return Tally(len(fresh), record(conn, observations, now, group=source.group))

    return store.write(take) if found else Tally()


def _seed(conn: sa.Connection, first: Mapping[str, Cursor], now: datetime) -> None:
    lock_alerting(conn, now)
    if "" not in cursors(conn, CHECKS):
        set_cursors(conn, CHECKS, {"": (0, frozenset()), **first}, now)


def observation_of(result: CheckResult, portal_id: int | None) -> Observation:
    """Return the measurement a check result is.

    Metadata `status` and `severity` win. Without them a check that failed at ERROR is a critical failure. One that
    failed at WARN is no more than a warn of a warning, so an alert for the daily digest: what only records its
    violations calls nobody. A check that raised is an error, one its run left out is skipped.
    """
    said = result.metadata
    test = str(said.get("test", ""))
    category = str(said.get("category") or _CATEGORIES.get(test[:1], "data quality"))
    name = result.key.name.replace("_", " ")
    topic = Topic(
        fingerprint=fingerprint("check", result.key.to_user_string(), result.partition or ""),
        source="dqa",
        condition=str(said.get("condition") or category),
        category=category,
        subject=str(said.get("subject") or result.key.asset_key.to_user_string()),
        title=" ".join(filter(None, (test, name, f"[{result.partition}]" if result.partition else ""))),
        portal_id=portal_id,
    )
    return Observation(
        topic=topic,
        status=_status(result),
        at=result.at,
        record_id=str(result.record_id),
        severity=_severity(result),
        detail=_detail(result),
        observed=_number(said.get("observed")),
        threshold=_number(said.get("threshold")),
        unit=str(said.get("unit") or ""),
        cadence=timedelta(seconds=_number(said.get("cadence_seconds")) or 3600.0),
        mend=str(said.get("mend") or ""),
        run_id=result.run_id,
    )


def _status(result: CheckResult) -> Status:
    said = str(result.metadata.get("status", "")).lower()
    if said in set(Status):
        return Status(said)
    match result.outcome:
        case Outcome.PASSED:
            return Status.PASS
        case Outcome.FAILED:
            return Status.FAIL if result.error_severity else Status.WARN
        case Outcome.COULD_NOT_RUN:
            return Status.ERROR
    return Status.SKIPPED


def _severity(result: CheckResult) -> Severity | None:
    said = str(result.metadata.get("severity", "")).lower()
    if said in set(Severity):
        return Severity(said)
    if result.outcome is not Outcome.FAILED:
        return None
    return Severity.CRITICAL if result.error_severity else Severity.WARNING


def _detail(result: CheckResult) -> str:
    if result.outcome is Outcome.COULD_NOT_RUN:
        return "The check could not run; its run failed."
    sample = result.metadata.get("sample")
    if isinstance(sample, list) and sample:
        return f"{result.description}\nSample: {', '.join(map(str, sample[:20]))}".strip()
    return result.description


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def observe_freshness(source: Source, graph: AssetGraph, installed_at: datetime) -> Tally:
    """Take in the freshness state of every asset with a policy: at a change, and every five minutes while it is bad.

    Nothing for the first 15 minutes after an empty install. UNKNOWN (never materialised) for longer than the
    policy's fail window, 26 hours without one, is a failure.
    """
    store, now = source.store, source.store.now()
    if now - installed_at < GRACE_AFTER_INSTALL:
        return Tally()
    policies = {
        node.key: node.freshness_policy_or_from_metadata
        for node in graph.asset_nodes
        if node.freshness_policy_or_from_metadata is not None
    }
    states = source.instance.get_freshness_state_records(list(policies))
    prints = {key: fingerprint(FRESHNESS, key.to_user_string()) for key in policies}
    known = store.read(lambda conn: load(conn, prints.values()))
    observations = []
    for key, policy in policies.items():
        row = states.get(key)
        state = row.freshness_state if row else FreshnessState.UNKNOWN
        since = row.updated_at if row else installed_at
        window = policy.fail_window.to_timedelta() if isinstance(policy, TimeWindowFreshnessPolicy) else None
        status = _freshness_status(state, now - since, window or UNKNOWN_AFTER)
        if status is not None and worth_recording(known.get(prints[key]), status, now):
            observations.append(_freshness(source, key, status, (state, since, window)))
    if not observations:
        return Tally()
    notices = store.write(lambda conn: record(conn, observations, now, group=source.group))
    return Tally(len(observations), notices)


def _freshness_status(state: FreshnessState, age: timedelta, patience: timedelta) -> Status | None:
    if state is FreshnessState.UNKNOWN:
        return Status.FAIL if age > patience else None
    return _FRESHNESS.get(state)


def worth_recording(known: Incident | None, status: Status, now: datetime) -> bool:
    """A level (freshness, quota) counts as measured when it changes and every five minutes while something is wrong."""
    if known is None or known.last_at is None:
        return status is not Status.PASS
    if status is Status.PASS and known.alert is None and known.bad == 0:
        return False
    return status is not known.last_status or now - known.last_at >= LEVEL_CADENCE


def _freshness(
    source: Source, key: dg.AssetKey, status: Status, facts: tuple[FreshnessState, datetime, timedelta | None]
) -> Observation:
    state, since, window = facts
    now = source.store.now()
    event = source.instance.get_latest_materialization_event(key)
    last = datetime.fromtimestamp(event.timestamp, UTC) if event else None
    name = key.to_user_string()
    what = f"last materialised {last:%Y-%m-%d %H:%M} UTC" if last else "never materialised"
    return Observation(
        topic=Topic(
            fingerprint=fingerprint(FRESHNESS, name),
            source=FRESHNESS,
            condition=FRESHNESS,
            category="timeliness",
            subject=name,
            title="its job has not run in time",
            portal_id=source.portal_id,
        ),
        status=status,
        at=now,
        record_id=f"{state.value}@{now.isoformat()}",
        severity=Severity.WARNING,
        detail=f"Freshness is {state.value} since {since:%Y-%m-%d %H:%M} UTC; {what}.",
        observed=round((now - last).total_seconds() / 60, 1) if last else None,
        threshold=window.total_seconds() / 60 if window else None,
        unit="min",
        cadence=LEVEL_CADENCE,
        mend="look at the job's last run in Dagster and run it again",
    )
