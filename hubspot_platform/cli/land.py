"""`hubspot-platform land`: land tables of the product database and of data science now."""

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.errors import UsageError
from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.model import LandedTable
from hubspot_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from hubspot_platform.landing.land import Landing


def command(
    tables: Annotated[list[str] | None, typer.Argument(help="product, predictions, company, product.lead, …")] = None,
    accept_fewer: Annotated[
        bool, typer.Option("--accept-fewer-rows", help="land even when far more is gone than usual")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Replace tables by what PRODUCT_SOURCE and PREDICTIONS_SOURCE have; without names every table of the sources set.

    Rows that break the contract become rows of product.rejected_row, everything else lands.
    """
    from hubspot_platform.home import prepare_home
    from hubspot_platform.landing.land import land
    from hubspot_platform.runtime import Platform

    output, settings = Output(as_json), load_settings()
    entries = chosen_tables(settings, tables or [])
    prepare_home(settings)
    platform = Platform(settings)
    outcomes = land(
        platform,
        entries,
        run_id=f"cli-{uuid.uuid4()}",
        accept_fewer=accept_fewer,
        listen=lambda outcome: output.say(_line(outcome)),
    )
    platform.close()
    documents = [_document(outcome) for outcome in outcomes]
    output.result({"tables": documents, "ok": not any(outcome.error for outcome in outcomes)})
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def chosen_tables(settings: Settings, names: list[str]) -> list[LandedTable]:
    """Return the tables that names mean, in the catalogue's order; UsageError for a name that means none."""
    if not names:
        sources = {"product": settings.product_source, "predictions": settings.predictions_source}
        found = [entry for entry in CATALOGUE.values() if sources[entry.schema]]
        return found or list(CATALOGUE.values())
    wanted = {name.lower() for name in names}
    spelled = {entry.full_name: {entry.full_name, entry.name, entry.schema} for entry in CATALOGUE.values()}
    unknown = sorted(wanted - set().union(*spelled.values()))
    if unknown:
        raise UsageError(f"no landed table is called {unknown[0]!r}", mend="docs/landing.md lists them")
    return [entry for entry in CATALOGUE.values() if wanted & spelled[entry.full_name]]


def _line(outcome: "Landing") -> str:
    report = outcome.report
    if report is None:
        return f"{outcome.entry.full_name}: not landed: {outcome.error}"
    rejected = ", ".join(f"{reason} {number:,}" for reason, number in sorted(report.rejected.items()))
    parts = [
        f"{report.rows_landed:,} rows landed",
        *([f"{report.rows_rejected:,} rejected ({rejected})"] if rejected else []),
        *([f"{report.rows_superseded:,} superseded"] if report.rows_superseded else []),
        *([report.warning] if report.warning else []),
    ]
    return f"{report.table}: {', '.join(parts)}"


def _document(outcome: "Landing") -> dict[str, object]:
    if outcome.report is not None:
        return outcome.report.as_json()
    return {"table": outcome.entry.full_name, "error": str(outcome.error)}
