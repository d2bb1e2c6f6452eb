"""What HubSpot asks of a form's definition. `handlers.forms` refuses what `problems_of` finds."""

from collections.abc import Mapping

REQUIRED = (
    "formType",
    "name",
    "createdAt",
    "updatedAt",
    "archived",
    "fieldGroups",
    "configuration",
    "displayOptions",
    "legalConsentOptions",
)
GROUP_TYPES = ("default_group", "progressive", "queued")
RICH_TEXT_TYPES = ("text", "image")
MOST_FIELDS = 3
FIELD_TYPES = (
    "email",
    "phone",
    "mobile_phone",
    "single_line_text",
    "multi_line_text",
    "number",
    "single_checkbox",
    "multiple_checkboxes",
    "dropdown",
    "radio",
    "datepicker",
    "file",
    "payment_link_radio",
)
WITH_OPTIONS = ("multiple_checkboxes", "dropdown", "radio", "payment_link_radio")
FIELD_KEYS = ("objectTypeId", "name", "label", "required", "hidden", "fieldType")
CONSENTS = ("none", "legitimate_interest", "explicit_consent_to_process", "implicit_consent_to_process")
AFTERWARDS = ("thank_you", "redirect_url")


def problems_of(body: Mapping[str, object], *, whole: bool) -> list[str]:
    """Return what is wrong with a form, in words; with `whole` every required part must be there."""
    problems = [f"{name} is required" for name in REQUIRED if whole and name not in body]
    if body.get("formType", "hubspot") != "hubspot":
        problems.append("formType must be hubspot")
    if not str(body.get("name", "unchanged")):
        problems.append("name must not be empty")
    parts = ("configuration", "displayOptions", "legalConsentOptions")
    problems += [f"{name} must be an object" for name in parts if not isinstance(body.get(name, {}), dict)]
    consent = body.get("legalConsentOptions")
    if isinstance(consent, dict) and consent.get("type") not in CONSENTS:
        problems.append(f"legalConsentOptions.type must be one of {', '.join(CONSENTS)}")
    configuration = body.get("configuration")
    action = configuration.get("postSubmitAction") if isinstance(configuration, dict) else None
    if isinstance(action, dict) and action.get("type") not in AFTERWARDS:
        problems.append(f"configuration.postSubmitAction.type must be one of {', '.join(AFTERWARDS)}")
    groups = body.get("fieldGroups", [])
    if not isinstance(groups, list):
        return [*problems, "fieldGroups must be an array"]
    return problems + [p for number, group in enumerate(groups) for p in _group_problems(number, group)]


def _group_problems(number: int, group: object) -> list[str]:
    place = f"fieldGroups[{number}]"
    if not isinstance(group, dict):
        return [f"{place} must be an object"]
    problems = []
    if group.get("groupType") not in GROUP_TYPES:
        problems.append(f"{place}.groupType must be one of {', '.join(GROUP_TYPES)}")
    if group.get("richTextType") not in RICH_TEXT_TYPES:
        problems.append(f"{place}.richTextType must be one of {', '.join(RICH_TEXT_TYPES)}")
    fields = group.get("fields")
    if not isinstance(fields, list) or not (1 <= len(fields) <= MOST_FIELDS or group.get("richText")):
        return [*problems, f"{place}.fields must hold 1 to {MOST_FIELDS} fields"]
    return problems + [p for entry in fields for p in _field_problems(place, entry)]


def _field_problems(place: str, entry: object) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{place} has a field that is no object"]
    name = entry.get("name")
    problems = [f"field {name}: {key} is required" for key in FIELD_KEYS if key not in entry]
    kind = entry.get("fieldType")
    if kind not in FIELD_TYPES:
        problems.append(f"field {name}: fieldType must be one of {', '.join(FIELD_TYPES)}")
    if kind in WITH_OPTIONS and not entry.get("options"):
        problems.append(f"field {name}: {kind} needs options")
    return problems
