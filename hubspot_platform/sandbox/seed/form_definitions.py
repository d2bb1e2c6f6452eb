"""The forms of the seeded portal: every kind of field group, field, consent and answer after submitting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hubspot_platform.sandbox.seed.contacts import INTERESTS
from hubspot_platform.sandbox.seed.words import JOB_TITLES

_STYLE = {
    "fontFamily": "arial, helvetica, sans-serif",
    "backgroundWidth": "100%",
    "labelTextColor": "#33475b",
    "labelTextSize": "13px",
    "helpTextColor": "#7C98B6",
    "helpTextSize": "11px",
    "legalConsentTextColor": "#33475b",
    "legalConsentTextSize": "13px",
    "submitColor": "#ff7a59",
    "submitAlignment": "left",
    "submitFontColor": "#ffffff",
    "submitSize": "12px",
}
_BOX = {"subscriptionTypeId": 7, "label": "Send me news", "required": False}
_WORDS = {
    "privacyText": "We keep your data as our privacy policy says.",
    "consentToProcessText": "We need your contact data to answer.",
    "communicationConsentText": "May we write to you about our products?",
    "communicationsCheckboxes": [_BOX],
}
NO_CONSENT: Mapping[str, object] = {"type": "none"}
INTEREST: Mapping[str, object] = {
    "type": "legitimate_interest",
    "subscriptionTypeIds": [7],
    "lawfulBasis": "lead",
    "privacyText": _WORDS["privacyText"],
}
EXPLICIT: Mapping[str, object] = {
    "type": "explicit_consent_to_process",
    **_WORDS,
    "consentToProcessCheckboxLabel": "I agree",
    "consentToProcessFooterText": "You can take this back at any time.",
}
IMPLICIT: Mapping[str, object] = {"type": "implicit_consent_to_process", **_WORDS}

Field = dict[str, object]


def _field(name: str, label: str, kind: str, *, required: bool = False, **more: object) -> Field:
    return {
        "objectTypeId": "0-1",
        "name": name,
        "label": label,
        "required": required,
        "hidden": False,
        "fieldType": kind,
        "dependentFields": [],
        **more,
    }


def _options(*values: str) -> list[object]:
    return [{"label": v.capitalize(), "value": v, "description": "", "displayOrder": n} for n, v in enumerate(values)]


_EMAIL = _field(
    "email",
    "E-mail",
    "email",
    required=True,
    validation={"blockedEmailDomains": ["mailinator.com"], "useDefaultBlockList": False},
)
_FIRST, _LAST = (
    _field("firstname", "First name", "single_line_text"),
    _field("lastname", "Last name", "single_line_text"),
)
_PHONE = _field(
    "phone",
    "Phone",
    "phone",
    useCountryCodeSelect=True,
    validation={"minAllowedDigits": 7, "maxAllowedDigits": 20},
)
_TITLE = _field("jobtitle", "Job title", "dropdown", options=_options(*JOB_TITLES[:5]), defaultValues=[])
_INTERESTS = _field("product_interests", "Interests", "multiple_checkboxes", options=_options(*INTERESTS))
_MESSAGE = _field("message", "Message", "multi_line_text")

Group = tuple[str, tuple[Field, ...]]


@dataclass(frozen=True)
class FormSeed:
    """One form: its groups, who submits it (a share of the contacts) and on which pages."""

    name: str
    groups: tuple[Group, ...]
    share: float
    pages: tuple[str, ...]
    consent: Mapping[str, object] = field(default_factory=lambda: NO_CONSENT)
    redirect: str = ""
    form_type: str = "hubspot"
    archived: bool = False
    age_days: int = 360

    @property
    def fields(self) -> Sequence[str]:
        """The names of its fields."""
        return [str(entry["name"]) for _, fields in self.groups for entry in fields]

    def content(self) -> dict[str, object]:
        """Return the definition without id and timestamps."""
        after = (
            {"type": "redirect_url", "value": self.redirect}
            if self.redirect
            else {"type": "thank_you", "value": "Thank you. We will be in touch."}
        )
        return {
            "formType": self.form_type,
            "name": self.name,
            "fieldGroups": [
                {"groupType": kind, "richTextType": "text", "fields": list(fields)} for kind, fields in self.groups
            ],
            "configuration": {
                "language": "en",
                "cloneable": True,
                "editable": True,
                "archivable": True,
                "recaptchaEnabled": self.form_type == "hubspot",
                "notifyContactOwner": False,
                "notifyRecipients": ["80001"],
                "createNewContactForNewEmail": False,
                "prePopulateKnownValues": True,
                "allowLinkToResetKnownValues": False,
                "lifecycleStages": [{"objectTypeId": "0-1", "value": "lead"}],
                "postSubmitAction": after,
            },
            "displayOptions": {
                "renderRawHtml": False,
                "theme": "default_style",
                "submitButtonText": "Send",
                "style": dict(_STYLE),
                "cssClass": "hs-form stacked",
            },
            "legalConsentOptions": dict(self.consent),
        }


FORMS: tuple[FormSeed, ...] = (
    FormSeed(
        "Contact us",
        (("default_group", (_EMAIL,)), ("default_group", (_FIRST, _LAST)), ("default_group", (_MESSAGE,))),
        0.12,
        ("contact", "contact?utm_campaign=brand-2026", "pricing"),
        EXPLICIT,
    ),
    FormSeed(
        "Request a demo",
        (
            ("default_group", (_FIRST, _LAST, _EMAIL)),
            ("default_group", (_PHONE, _field("company", "Company", "single_line_text"))),
            ("progressive", (_TITLE,)),
        ),
        0.10,
        ("demo", "demo?gclid=Cj0KCQ", "product"),
        INTEREST,
        redirect="https://www.ourfirm.example/demo/thanks",
    ),
    FormSeed(
        "Newsletter",
        (("default_group", (_EMAIL,)),),
        0.20,
        ("blog", "blog/analytics", "blog/automation"),
        IMPLICIT,
        age_days=700,
    ),
    FormSeed(
        "Webinar registration",
        (
            ("default_group", (_EMAIL, _FIRST, _LAST)),
            ("queued", (_INTERESTS,)),
            ("queued", (_field("birthday", "Date of birth", "datepicker"), _TITLE)),
        ),
        0.06,
        ("webinar/spring", "webinar/autumn"),
        age_days=120,
    ),
    FormSeed(
        "Payment request",
        (
            ("default_group", (_EMAIL, _field("annualrevenue", "Revenue", "number"))),
            ("default_group", (
                _field("mobilephone", "Mobile", "mobile_phone"),
                _field("marketing_consent", "I agree", "single_checkbox"),
            )),
            ("default_group", (
                _field("sales_script_version", "Plan", "radio", options=_options("v1", "v2", "v3")),
                _field("payment_link", "Payment", "payment_link_radio", options=_options("monthly", "yearly")),
                _field("contract_file", "Contract", "file", allowMultipleFiles=False),
            )),
        ),
        0.01,
        ("pay",),
        age_days=60,
    ),
    FormSeed("Old contact form", (("default_group", (_EMAIL, _MESSAGE)),), 0.03, ("old/contact",), archived=True,
             age_days=720),
    FormSeed("Site search box", (("default_group", (_EMAIL,)),), 0.02, ("search",), form_type="captured"),
)  # fmt: skip
