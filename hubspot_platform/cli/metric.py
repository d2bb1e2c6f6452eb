"""`hubspot-platform metric`: the sales metrics of any period, their split by variant, and the records behind them."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.errors import UsageError
from hubspot_platform.settings import load_settings

if TYPE_CHECKING:
    from hubspot_platform.metrics.answer import MetricRecord, MetricValue, Report


class Dimension(StrEnum):
    """What metrics may be split by."""

    SALES_SCRIPT_VERSION = "sales_script_version"
    VSL_WATCHED = "vsl_watched"


def command(
    names: Annotated[list[str] | None, typer.Argument(help="metrics; all 22 by default")] = None,
    *,
    from_: Annotated[str, typer.Option("--from", help="first day, YYYY-MM-DD")],
    to: Annotated[str, typer.Option("--to", help="the day after the last one, YYYY-MM-DD")],
    owner: Annotated[str | None, typer.Option(help="only records of this owner id; unassigned or all")] = None,
    time_zone: Annotated[str | None, typer.Option(help="whose days count; by default the report's")] = None,
    by: Annotated[Dimension | None, typer.Option(help="split by a property of the contact")] = None,
    records: Annotated[bool, typer.Option("--records", help="list the records behind the numbers instead")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Answer from the published warehouse copy; never blocks and never changes anything."""
    from hubspot_platform.metrics.answer import SalesMetrics
    from hubspot_platform.metrics.catalogue import named
    from hubspot_platform.runtime import Platform

    if records and by is not None:
        raise UsageError("--records and --by do not go together", mend="the records name their variants themselves")
    platform = Platform(load_settings())
    metrics = SalesMetrics(platform.warehouse(), platform.business.report_time_zone)
    start, end, output = _day("--from", from_), _day("--to", to), Output(as_json)
    wanted = tuple(names or ())
    if records:
        listed = {metric.name: metrics.records(metric.name, start, end, owner, time_zone) for metric in named(wanted)}
        _show_records(output, listed)
        return
    report = metrics.metric(start, end, owner, time_zone, by=by.value if by else None, names=wanted)
    _show_report(output, report, platform.business.currency)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no day", mend="write it as 2026-04-01") from error


def _show_report(output: Output, report: "Report", currency: str) -> None:
    zone = ZoneInfo(report.period.time_zone)
    start, end = (moment.astimezone(zone).isoformat() for moment in (report.period.start, report.period.end))
    if not output.as_json:
        output.table(f"{start} to {end}", *_cells(report, currency))
        for verdict in report.comparisons:
            output.say(f"{verdict.metric}: {verdict.winner or 'no winner'}, {verdict.reason}")
    output.result(
        {
            "period_start": start,
            "period_end": end,
            "time_zone": report.period.time_zone,
            "owner_id": report.owner_id,
            "by": report.by,
            "currency": currency,
            "metrics": [_document(value) for value in report.values],
            "comparisons": [asdict(verdict) for verdict in report.comparisons],
        }
    )


def _cells(report: "Report", currency: str) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows for people: a median, a variant and an interval only where there are any."""
    units = {"amount": currency, "percent": "%"}
    median = any(value.median is not None for value in report.values)
    split = [report.by, "95 % interval"] if report.by else []
    columns = ["#", "metric", *split[:1], "value", *(["median"] if median else []), "records", *split[1:]]
    rows = []
    for value in report.values:
        metric = value.metric
        unit = units.get(metric.unit, str(metric.unit))
        unit = "" if metric.unit == "count" else f" {unit}"
        shown = [
            "" if number is None else f"{metric.rounded(number):,}{unit}" for number in (value.value, value.median)
        ]
        interval = "" if value.ci_low is None else f"{value.ci_low:.2f} to {value.ci_high:.2f}"
        row = [str(metric.number), metric.name, *([value.variant or ""] if split else [])]
        row += [*(shown if median else shown[:1]), f"{value.records:,}", *([interval] if split else [])]
        rows.append(row)
    return columns, rows


def _document(value: "MetricValue") -> dict[str, Any]:
    """Return a value for machines, rounded as it is shown; decimals are strings."""
    metric = value.metric

    def rounded(number: Decimal | None) -> str | None:
        return None if number is None else str(metric.rounded(number))

    return {
        "number": metric.number,
        "metric": metric.name,
        "unit": metric.unit,
        "variant": value.variant,
        "numerator": f"{value.numerator.normalize():f}",
        "denominator": value.denominator,
        "value": rounded(value.value),
        "median": rounded(value.median),
        "records": value.records,
        "ci_low": rounded(value.ci_low),
        "ci_high": rounded(value.ci_high),
    }


def _show_records(output: Output, listed: "dict[str, list[MetricRecord]]") -> None:
    if not output.as_json:
        for name, found in listed.items():
            documents = [_record(record) for record in found]
            columns = list(documents[0]) if documents else ["object", "record_id"]
            cells = [["" if cell is None else str(cell) for cell in document.values()] for document in documents]
            output.table(f"{name}: {len(found)} records", columns, cells)
    output.result({name: [_record(record) for record in found] for name, found in listed.items()})


def _record(record: "MetricRecord") -> dict[str, Any]:
    return {**asdict(record), "measure": f"{record.measure.normalize():f}"}
