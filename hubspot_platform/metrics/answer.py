"""The sales metrics of any period, owner, time zone and split, and the records behind a number.

`SalesMetrics` is what the command line and dashboards ask. Values are made by the warehouse from the same rows and by
the same rules as the tables `metrics.daily_metric` and `metrics.metric_by_variant`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from hubspot_platform.errors import PlatformError, UsageError
from hubspot_platform.metrics.catalogue import METRICS, Kind, Metric, UnknownMetricError, named
from hubspot_platform.metrics.compare import UNKNOWN, Comparison, Rate, compare
from hubspot_platform.metrics.period import Period, Question
from hubspot_platform.warehouse import Session, Warehouse
from hubspot_platform.warehouse.errors import QueryRefused

DIMENSIONS = ("sales_script_version", "vsl_watched")
UNASSIGNED = "unassigned"
"""The owner of records that have none."""

EVERYBODY = "all"
"""The owner of the tables' totals; the same as to name none."""

_RECORDS = "metrics.metric_record"


class MetricsNotBuiltError(PlatformError):
    """The tables of metrics are not in the warehouse yet."""


class UnknownOwnerError(UsageError):
    """An owner whom neither HubSpot nor any record knows."""


@dataclass(frozen=True)
class MetricValue:
    """One metric of one period, or of one variant in it.

    `value` and `median` have 10 places (`metric.rounded` gives those that are shown) and are None when nothing counts;
    `denominator` is None for sums and counts; `records` is how many records count. A split's rates have the ends of
    their 95 % Wilson interval, in percent.
    """

    metric: Metric
    variant: str | None
    numerator: Decimal
    denominator: int | None
    value: Decimal | None
    median: Decimal | None
    records: int
    ci_low: Decimal | None = None
    ci_high: Decimal | None = None


@dataclass(frozen=True)
class Report:
    """The answer to one question: values in the order of the list, variants by name with `unknown` last."""

    period: Period
    owner_id: str | None
    by: str | None
    values: tuple[MetricValue, ...]

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The verdict on each rate of a split; empty without one."""
        rates = [found for found in self.values if self.by and found.metric.kind is Kind.RATE]
        return tuple(
            compare(metric.name, list(_rates(found)), lower_is_better=metric.lower_is_better)
            for metric, found in groupby(rates, key=lambda value: value.metric)
        )


@dataclass(frozen=True)
class MetricRecord:
    """A record that counts in a metric; `measure` is what it adds to the numerator, in the unit of the records."""

    object: str
    record_id: str
    counted_at: datetime
    owner_id: str
    measure: Decimal
    contact_id: str | None
    sales_script_version: str
    vsl_watched: str


class SalesMetrics:
    """Answers from the published state of a warehouse; `time_zone` is the report's where a question names none."""

    def __init__(self, warehouse: Warehouse, time_zone: str = "UTC") -> None:
        self._warehouse = warehouse
        self._time_zone = time_zone

    def metric(
        self,
        period_start: date | datetime,
        period_end: date | datetime,
        owner_id: str | None = None,
        time_zone: str | None = None,
        *,
        by: str | None = None,
        names: Sequence[str] = (),
    ) -> Report:
        """Return metrics of [period_start, period_end), all 22 without `names`.

        Days are those of `time_zone`; contacts go by contact owner, deals by deal owner, calls by call owner, and
        "unassigned" is nobody's, "all" everybody's. `by` splits by one of DIMENSIONS. Raises UnknownMetricError,
        PeriodError, TimeZoneError, UnknownOwnerError, MetricsNotBuiltError and what opening the warehouse raises.
        """
        metrics = named(tuple(names))
        if by is not None and by not in DIMENSIONS:
            raise UnknownMetricError(f"metrics are not split by {by!r}", mend=f"use {' or '.join(DIMENSIONS)}")
        question, owner_id = self._question(period_start, period_end, time_zone), _one_owner(owner_id)
        with self._session() as session:
            period = question.period(session)
            where, params = _where(metrics, period, owner_id)
            rows = session.query(_statistics(metrics, where, by), params).to_pylist()
            if not rows:
                _refuse_unknown(session, owner_id)
        return Report(period, owner_id, by, tuple(_values(metrics, rows, by)))

    def records(
        self,
        name: str,
        period_start: date | datetime,
        period_end: date | datetime,
        owner_id: str | None = None,
        time_zone: str | None = None,
    ) -> list[MetricRecord]:
        """Return the records behind one metric, oldest first: their measures add up to its numerator.

        There are as many as its denominator says. Raises what `metric` raises.
        """
        metrics, owner_id = named((name,)), _one_owner(owner_id)
        question = self._question(period_start, period_end, time_zone)
        columns = ", ".join(f"r.{column}" for column in MetricRecord.__dataclass_fields__)
        with self._session() as session:
            where, params = _where(metrics, question.period(session), owner_id)
            sql = f"select {columns} from {_RECORDS} as r where {where}"
            rows = session.query(f"{sql} order by r.counted_at, cast(r.record_id as bigint)", params).to_pylist()
            if not rows:
                _refuse_unknown(session, owner_id)
        return [MetricRecord(**row) for row in rows]

    def _question(self, start: date | datetime, end: date | datetime, time_zone: str | None) -> Question:
        return Question(start, end, self._time_zone if time_zone is None else time_zone)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with self._warehouse.reader() as session:
            try:
                yield session
            except QueryRefused as error:
                # Not asked beforehand: a look at the catalogue would take as long as most questions.
                if "metric_record" not in str(error):
                    raise
                raise MetricsNotBuiltError(
                    f"{_RECORDS} is not in the warehouse yet",
                    mend="run `hubspot-platform sync all`, then `hubspot-platform build`",
                ) from error


def _one_owner(owner_id: str | None) -> str | None:
    return None if owner_id == EVERYBODY else owner_id


def _refuse_unknown(session: Session, owner_id: str | None) -> None:
    """Raise UnknownOwnerError for an owner of no record at all whom HubSpot does not have either."""
    if owner_id in {None, UNASSIGNED} or _any(session, f"{_RECORDS} as o where o.owner_id = ?", owner_id):
        return
    try:
        known = _any(session, "hubspot.owner as o where cast(o.owner_id as text) = ?", owner_id)
    except QueryRefused:  # owners were not read yet
        known = False
    if not known:
        mend = f"use an owner_id of hubspot.owner, {UNASSIGNED} or {EVERYBODY}"
        raise UnknownOwnerError(f"there is no owner {owner_id!r}", mend=mend)


def _any(session: Session, rows: str, owner_id: str | None) -> bool:
    return bool(session.query(f"select o.owner_id from {rows} limit 1", [owner_id]).num_rows)


def _where(metrics: tuple[Metric, ...], period: Period, owner_id: str | None) -> tuple[str, list[object]]:
    """Return the condition for the records of a question, and its parameters."""
    previous = "r.previous_at" if owner_id is None else "r.previous_of_owner_at"
    conditions = [
        "r.counted_at >= ?",
        "r.counted_at < ?",
        f"({previous} is null or {previous} < ?)",
    ]
    params: list[object] = [period.start, period.end, period.start]
    if len(metrics) < len(METRICS):
        conditions.append(f"r.metric in ({_listed(metrics)})")
    if owner_id is not None:
        conditions.append("r.owner_id = ?")
        params.append(owner_id)
    return " and ".join(conditions), params


def _listed(metrics: tuple[Metric, ...]) -> str:
    return ", ".join(f"'{metric.name}'" for metric in metrics)


def _statistics(metrics: tuple[Metric, ...], where: str, by: str | None) -> str:
    """Return the query for totals, means, rates and medians by metric and variant; its parameters are those of `where`.

    Only what a question needs is in it: planning the helper functions takes longer than reading the rows.
    """
    rules = ", ".join(f"('{m.name}', '{m.kind}', {m.times}, {m.parts})" for m in metrics)
    halved = _listed(tuple(m for m in metrics if m.has_median))
    interval = "" if by is None else f", {_end('wilson_low')} as ci_low, {_end('wilson_high')} as ci_high"
    return f"""
with scoped as not materialized (
    select r.metric, {f"r.{by}" if by else "'all'"} as variant, r.measure from {_RECORDS} as r where {where}
),
statistic as (
    select s.metric, s.variant, false as is_median, sum(s.measure) as numerator, count(*) as counted
    from scoped as s
    group by s.metric, s.variant
    {_MEDIANS.format(halved=halved) if halved else ""}
),
fraction as (
    select
        s.metric, s.variant, s.is_median, s.numerator, s.counted, r.kind,
        s.numerator * r.times as dividend,
        case when r.kind = 'total' then 1 else s.counted end * r.parts as divisor
    from statistic as s
    join (values {rules}) as r (metric, kind, times, parts) on r.metric = s.metric
)
select
    f.metric, f.variant, f.is_median,
    cast(f.numerator as decimal(38, 10)) as numerator,
    cast(f.counted as bigint) as counted,
    ratio(f.dividend, f.divisor) as value{interval}
from fraction as f"""


def _end(helper: str) -> str:
    return f"case when f.kind = 'rate' then {helper}(f.numerator, f.counted) end"


_MEDIANS = """union all
    select p.metric, p.variant, true, sum(p.measure), count(*)
    from (
        select
            s.metric, s.variant, s.measure,
            row_number() over (partition by s.metric, s.variant order by s.measure) as place,
            count(*) over (partition by s.metric, s.variant) as counted
        from scoped as s
        where s.metric in ({halved})
    ) as p
    where 2 * p.place between p.counted and p.counted + 2
    group by p.metric, p.variant"""


def _values(metrics: tuple[Metric, ...], rows: list[dict[str, Any]], by: str | None) -> Iterator[MetricValue]:
    means = {(row["metric"], row["variant"]): row for row in rows if not row["is_median"]}
    medians = {(row["metric"], row["variant"]): row["value"] for row in rows if row["is_median"]}
    variants = sorted({variant for _, variant in means}, key=lambda name: (name == UNKNOWN, name)) if by else ["all"]
    for metric in metrics:
        for variant in variants:
            row = means.get((metric.name, variant))
            if row is None and by:
                continue
            is_total = metric.kind is Kind.TOTAL
            found = row or {"numerator": Decimal(0), "counted": 0, "value": Decimal(0) if is_total else None}
            yield MetricValue(
                metric=metric,
                variant=variant if by else None,
                numerator=found["numerator"],
                denominator=None if is_total else found["counted"],
                value=found["value"],
                median=medians.get((metric.name, variant)),
                records=found["counted"],
                ci_low=found.get("ci_low"),
                ci_high=found.get("ci_high"),
            )


def _rates(values: Iterator[MetricValue]) -> Iterator[Rate]:
    for value in values:
        if value.value is None or value.ci_low is None or value.ci_high is None:
            continue
        yield Rate(value.variant or UNKNOWN, value.value, value.records, value.ci_low, value.ci_high)
