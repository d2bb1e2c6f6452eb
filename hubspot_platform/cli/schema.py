"""`hubspot-platform schema`: how the mirror's columns differ from the portal's properties, and their migration."""

import uuid
from dataclasses import asdict
from typing import Annotated

import typer

from hubspot_platform.cli.output import Output
from hubspot_platform.hubspot.catalogue import CATALOGUE, object_type
from hubspot_platform.mirror.tables import column_of
from hubspot_platform.settings import load_settings

Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]


def command(
    objects: Annotated[list[str] | None, typer.Argument(help="objects (contacts, deals, …); all without one")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="rebuild the columns whose property has another type")] = False,
    only: Annotated[list[str] | None, typer.Option("--property", help="rebuild only this property's column")] = None,
    as_json: Json = False,
) -> None:
    """Show the drift between the portal's properties and the tables; with --apply, rebuild columns in their new type.

    Values that do not fit the new type are null afterwards and rows of hubspot.value_error; raw_json keeps them.
    """
    from hubspot_platform.home import prepare_home
    from hubspot_platform.mirror.migrate import migrate_column, schema_state
    from hubspot_platform.runtime import Platform

    output, settings = Output(as_json), load_settings()
    prepare_home(settings)
    platform = Platform(settings)
    chosen = [object_type(name) for name in objects] if objects else list(CATALOGUE.values())
    states = {obj.name: schema_state(platform, obj) for obj in chosen}
    rows = [
        [name, column_of(drift.property), drift.column_type.value, drift.declared]
        for name, state in states.items()
        for drift in state.changed
    ]
    output.table("Columns of another type than their property", ["object", "column", "column's", "property's"], rows)
    gone = [[name, column] for name, state in states.items() for column in state.absent]
    output.table("Columns kept of properties that are gone", ["object", "column"], gone)
    migrated = [
        migrate_column(platform, obj, drift.property, run_id=f"cli-{uuid.uuid4()}")
        for obj in chosen
        for drift in states[obj.name].changed
        if apply and (not only or drift.property in only)
    ]
    platform.close()
    for done in migrated:
        output.say(f"{done.object}.{done.column}: {done.before} → {done.after}, {done.misfits} values do not fit")
    output.result(
        {
            "schema": {name: asdict(state) for name, state in states.items()},
            "migrated": [asdict(done) for done in migrated],
        }
    )
