"""What HubSpot does to a property value on its way in: validation by type, and the form it stores.

Pure functions; create, update and upsert handlers call `clean_properties`.
"""

import re
from collections.abc import Callable, Mapping

from hubspot_platform.sandbox.clock import from_ms, iso, parse_time
from hubspot_platform.sandbox.model import Property, Value
from hubspot_platform.sandbox.schema import Schema

MAX_LENGTH = 65_536
DAY_MS = 86_400_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

Problem = tuple[str, str, str]


def as_text(value: object) -> str:
    """Return a JSON scalar as the text HubSpot keeps."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def clean_properties(
    schema: Schema, given: Mapping[str, object], *, creating: bool = False
) -> tuple[dict[str, Value], list[Problem]]:
    """Return the values to store and the refusals (code, property, message); an empty value clears."""
    accepted: dict[str, Value] = {}
    problems: list[Problem] = []
    for name, raw in given.items():
        definition = schema.live(name)
        if definition is None:
            problems.append(("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist'))
            continue
        settable = creating and name == schema.spec.created_property
        if (definition.read_only or definition.calculated) and not settable:
            message = f'"{name}" is a read only property; its value cannot be set.'
            problems.append(("READ_ONLY_VALUE", name, message))
            continue
        value, problem = clean_value(definition, as_text(raw))
        if problem is not None:
            problems.append(problem)
        else:
            accepted[name] = value
    return accepted, problems


def clean_value(definition: Property, text: str) -> tuple[Value, Problem | None]:
    """Return the stored form of one value, or why it is refused."""
    if text == "":
        return None, None
    if len(text) > MAX_LENGTH:
        return _refused("PROPERTY_VALUE_TOO_LONG", definition, f"longer than {MAX_LENGTH} characters")
    if definition.external_options:
        return text, None
    cleaner = _CLEANERS.get(definition.type)
    if cleaner is not None:
        return cleaner(definition, text)
    return (text.strip().lower() if definition.name == "email" else text), None


def _refused(code: str, definition: Property, reason: str) -> tuple[Value, Problem | None]:
    return None, (code, definition.name, f"Property {definition.name}: {reason}")


def _clean_number(definition: Property, text: str) -> tuple[Value, Problem | None]:
    if not _NUMBER.fullmatch(text):
        return _refused("INVALID_DOUBLE", definition, f"{text} was not a valid number.")
    return text, None


def _clean_bool(definition: Property, text: str) -> tuple[Value, Problem | None]:
    lowered = text.lower()
    if lowered not in {"true", "false"}:
        return _refused("INVALID_OPTION", definition, f"{text} was not one of the allowed options: [true, false]")
    return lowered, None


def _clean_time(definition: Property, text: str) -> tuple[Value, Problem | None]:
    moment = parse_time(text)
    if moment is None:
        return _refused("INVALID_DATE", definition, f"{text} was not a valid {definition.type}.")
    if definition.type == "datetime":
        return iso(moment), None
    if _DATE.fullmatch(text):
        return text, None
    if moment % DAY_MS:
        return _refused("INVALID_DATE", definition, f"{text} is not at midnight UTC.")
    return f"{from_ms(moment):%Y-%m-%d}", None


def _clean_choice(definition: Property, text: str) -> tuple[Value, Problem | None]:
    allowed = {o.value for o in definition.options}
    parts = [p for p in text.split(";") if p] if definition.field_type == "checkbox" else [text]
    for part in parts:
        if part not in allowed:
            listed = ", ".join(sorted(allowed))
            return _refused("INVALID_OPTION", definition, f"{part} was not one of the allowed options: [{listed}]")
    return text, None


_CLEANERS: Mapping[str, Callable[[Property, str], tuple[Value, Problem | None]]] = {
    "number": _clean_number,
    "bool": _clean_bool,
    "date": _clean_time,
    "datetime": _clean_time,
    "enumeration": _clean_choice,
}


def appended(definition: Property, old: Value, new: Value) -> Value:
    """Return a checkbox value after a write: a leading `;` adds to the stored options."""
    if new is None or definition.field_type != "checkbox" or not new.startswith(";"):
        return new
    parts = [p for p in f"{old or ''};{new}".split(";") if p]
    return ";".join(dict.fromkeys(parts))
