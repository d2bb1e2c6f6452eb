"""`hubspot-platform explore`: what an object's properties are, how far they are filled, and what they refer to."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubspot_platform.cli.output import Output, plain
from hubspot_platform.hubspot.catalogue import object_type
from hubspot_platform.hubspot.custom_objects import names_custom_object
from hubspot_platform.settings import load_settings

if TYPE_CHECKING:
    from hubspot_platform.mirror.exploration import Exploration

FOLDER = "explorations"


def command(
    name: Annotated[str, typer.Argument(metavar="OBJECT", help="an object: contacts, deals, calls, custom_bug, …")],
    to: Annotated[Path | None, typer.Option("--to", help="folder of the reports; else one in the home folder")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Report an object's properties and relationships, as JSON and text files."""
    from hubspot_platform.home import prepare_home
    from hubspot_platform.mirror.custom_objects import custom_object
    from hubspot_platform.mirror.exploration import explore
    from hubspot_platform.runtime import Platform

    output = Output(as_json)
    settings = load_settings()
    prepare_home(settings)
    platform = Platform(settings)
    obj = custom_object(platform, name) if names_custom_object(name) else object_type(name)
    found = explore(platform, obj)
    platform.close()
    folder = to or settings.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    stamp = found.explored_at.strftime("%Y%m%d_%H%M%S")
    analysis = folder / f"hubspot_{obj.name}_analysis_{stamp}.json"
    summary = folder / f"hubspot_{obj.name}_summary_{stamp}.txt"
    document = found.as_json()
    analysis.write_text(json.dumps(document, default=plain, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    summary.write_text(summary_text(found), encoding="utf-8")
    _show(output, found)
    output.say(f"written: {analysis} and {summary}")
    output.result({**document, "files": {"analysis": str(analysis), "summary": str(summary)}})


def _type_rows(found: "Exploration") -> list[list[Any]]:
    return [[kind, count] for kind, count in found.by("type").items()]


def _relationship_rows(found: "Exploration") -> list[list[Any]]:
    return [
        [
            f"{each.relation.table}.{each.relation.column}",
            f"{each.relation.target}.{each.relation.target_column}",
            each.named,
            "not synced" if each.resolved is None else each.resolved,
            "" if each.unresolved is None else each.unresolved,
        ]
        for each in found.relationships
    ]


def _show(output: Output, found: "Exploration") -> None:
    rows = "not synced yet" if found.rows is None else f"{found.rows:,} live rows"
    output.table(
        f"{found.object}: {len(found.properties):,} properties, {rows}", ["type", "properties"], _type_rows(found)
    )
    if found.relationships:
        columns = ["column", "refers to", "filled", "resolved", "unresolved"]
        output.table("Relationships", columns, _relationship_rows(found))


def summary_text(found: "Exploration") -> str:
    """Return the report for people: counts, then every property of each group, the best filled first."""
    lines = [
        f"HubSpot {found.object}: property analysis of {found.explored_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Properties: {len(found.properties)}",
        f"Live rows in the mirror: {'not synced yet' if found.rows is None else found.rows}",
        "",
        "By type",
        *(f"  {kind.upper()}: {count}" for kind, count in found.by("type").items()),
        "",
        "By group",
        *(f"  {group or '(none)'}: {count}" for group, count in found.by("group").items()),
    ]
    for group in found.by("group"):
        lines += ["", f"Group {group or '(none)'}"]
        members = [each for each in found.properties if each.group == group]
        for each in sorted(members, key=lambda each: (-(each.filled or 0), each.name)):
            share = "no column" if each.filled_share is None else f"{each.filled_share:.1%} filled"
            distinct = "" if each.distinct_values is None else f", {each.distinct_values} distinct"
            shown = ", ".join(f"{value} ({count})" for value, count in each.examples)
            lines.append(f"  {each.name} [{each.type}]: {share}{distinct}{f': {shown}' if shown else ''}")
    if found.relationships:
        lines += ["", "Relationships"]
    for column, target, named, resolved, unresolved in _relationship_rows(found):
        told = f"{resolved} resolved, {unresolved} unresolved" if unresolved != "" else "target not synced"
        lines.append(f"  {column} -> {target}: {named} filled, {told}")
    return "\n".join(lines) + "\n"
