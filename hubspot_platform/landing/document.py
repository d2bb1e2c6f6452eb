"""The tables of `docs/landing.md`, written from the contract: `python -m hubspot_platform.landing.document`.

A test asks `in_step`, so the document never says anything else than the contract.
"""

from pathlib import Path

from hubspot_platform.landing.contract import CATALOGUE
from hubspot_platform.landing.model import Field, LandedTable, Rule

DOCUMENT = Path(__file__).parents[2] / "docs" / "landing.md"
BEGIN, END = "<!-- tables: written from the contract -->", "<!-- end of the tables -->"


def tables() -> str:
    """Return every table of the contract as Markdown."""
    return "\n\n".join(_table(entry) for entry in CATALOGUE.values())


def in_step(text: str) -> bool:
    """Say whether the document has the tables as they are now."""
    return _written(text) == text


def _written(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _table(entry: LandedTable) -> str:
    called = f" (in the source: `{entry.source_name}`)" if entry.source_name else ""
    notes = [
        entry.description,
        f"Key: {', '.join(f'`{name}`' for name in entry.key)}." if entry.key else "No key.",
        "" if entry.required else f"Optional; feeds {entry.feeds}.",
    ]
    lines = [f"### `{entry.full_name}`{called}", "", " ".join(filter(None, notes)), ""]
    lines += ["| column | type | null | rule |", "|---|---|---|---|"]
    lines += [_line(entry, entry_field) for entry_field in entry.fields]
    return "\n".join(lines)


def _line(entry: LandedTable, entry_field: Field) -> str:
    column = entry_field.column
    rule = "; ".join(filter(None, (column.description, _rule(entry_field.rule))))
    null = "" if entry.must_have(column) else "yes"
    return f"| `{column.name}` | {column.type.value} | {null} | {rule} |"


def _rule(rule: Rule) -> str:
    said = [f"one of {', '.join(rule.choices)}"] if rule.choices else []
    if rule.least is not None and rule.most is not None:
        said.append(f"{rule.least} to {rule.most}")
    elif rule.least is not None:
        said.append(f"at least {rule.least}")
    if rule.pattern:
        said.append(f"like `{rule.pattern}`")
    return ", ".join(said)


if __name__ == "__main__":
    DOCUMENT.write_text(_written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
