"""Business settings: everything a RevOps team decides that is no secret, from the TOML file `PLATFORM_CONFIG`.

Every key has a default, so the file may be missing or partial. SQL models, checks and the alert rules read these
values; an unknown key or a wrong value stops the process and names the key.
"""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hubspot_platform.errors import ConfigurationError
from hubspot_platform.hubspot.catalogue import CATALOGUE
from hubspot_platform.hubspot.refresh import MirrorSettings
from hubspot_platform.time_zones import is_time_zone

PropertyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
DomainName = Annotated[str, Field(pattern=r"^[a-z0-9-]+([.][a-z0-9-]+)+$")]
CustomField = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Bundle = Literal["seats", "ops", "hr", "comms"]
BundleWord = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]

_DEFAULT_PROPERTIES: dict[str, dict[str, str]] = {
    "contact": {
        "email": "email",
        "phone": "phone",
        "mobile_phone": "mobilephone",
        "country": "country",
        "lifecycle_stage": "lifecyclestage",
        "vsl_watched": "vsl_watched",
        "sales_script_version": "sales_script_version",
    },
    "deal": {
        "qualified_status": "qualified_status",
        "trial_status": "trial_status",
        "payment_status": "payment_status",
        "number_of_installments__months": "number_of_installments__months",
        "offer_given": "offer_given",
        "upfront_cash": "upfront_cash",
    },
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimelinessThresholds(_Strict):
    """Limits on the age of an object's watermark, as multiples of its cadence plus a fixed slack."""

    slack_minutes: int = Field(15, ge=0)
    warn_cadences: float = Field(1.0, gt=0)
    fail_cadences: float = Field(2.0, gt=0)

    @model_validator(mode="after")
    def _warn_before_fail(self) -> Self:
        if self.warn_cadences >= self.fail_cadences:
            raise ValueError("warn_cadences must be below fail_cadences")
        return self


class ShareThresholds(_Strict):
    """Limits on a share of rows (0…1), each with a number of rows below which nothing fires."""

    warn_share: float = Field(ge=0, le=1)
    fail_share: float = Field(ge=0, le=1)
    warn_rows: int = Field(0, ge=0)
    fail_rows: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _warn_before_fail(self) -> Self:
        if self.warn_share > self.fail_share or self.warn_rows > self.fail_rows:
            raise ValueError("the warn limit must not lie beyond the fail limit")
        return self


class Thresholds(_Strict):
    """When a data quality measurement becomes a warning or a failure."""

    timeliness: TimelinessThresholds = TimelinessThresholds()
    required_fields: ShareThresholds = ShareThresholds(warn_share=0.005, fail_share=0.02)
    count: ShareThresholds = ShareThresholds(warn_share=0.005, fail_share=0.02, warn_rows=5, fail_rows=25)
    value_errors: ShareThresholds = ShareThresholds(warn_share=0.0, fail_share=0.02, fail_rows=10)
    vanished_share_guard: float = Field(0.1, gt=0, le=1)


class Retention(_Strict):
    """How long operational records are kept, in days."""

    successful_runs: int = Field(14, ge=1)
    failed_runs: int = Field(30, ge=1)
    state_records: int = Field(90, ge=7)
    unread_events: int = Field(365, ge=7)


class Jira(_Strict):
    """Which issues of Jira are bugs of customers, and where they name the company."""

    projects: tuple[str, ...] = ()
    bug_types: tuple[str, ...] = ("Bug",)
    company_field: Annotated[str, Field(pattern=r"^customfield_[0-9]+$")] = "customfield_10050"


class Payments(_Strict):
    """Where the biller's subscriptions and customers say what the platform needs of them.

    `bundles` names the words of an item price id, or a whole id, by which an addon belongs to a bundle.
    """

    company_field: CustomField = "cf_company_id"
    free_months_field: CustomField = "cf_free_months"
    contract_months_field: CustomField = "cf_contract_months"
    bundles: dict[Bundle, tuple[BundleWord, ...]] = Field(default_factory=dict, validate_default=True)

    @field_validator("bundles")
    @classmethod
    def _every_bundle(cls, value: dict[Bundle, tuple[str, ...]]) -> dict[Bundle, tuple[str, ...]]:
        known: dict[Bundle, tuple[str, ...]] = {
            "seats": ("seat", "seats"),
            "ops": ("ops",),
            "hr": ("hr",),
            "comms": ("comms",),
        }
        return known | value


class Business(_Strict):
    """The whole file; see `docs/configuration.md` for what each key changes."""

    report_time_zone: str = "UTC"
    phone_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "US"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    won_stages: tuple[str, ...] = ()
    connected_dispositions: tuple[str, ...] = ("Connected", "f240bbac-87c9-4f6e-bf70-924b57d47db7")
    qualification_lists: tuple[int, ...] = ()
    own_domains: tuple[DomainName, ...] = ()
    hub_neighbours: int = Field(200, ge=1)
    overlap_minutes: int = Field(15, ge=0, le=1440)
    search_lag_seconds: int = Field(60, ge=0, le=3600)
    on_call_mention: str = ""
    lead_mention: str = ""
    properties: dict[str, dict[str, PropertyName]] = Field(default_factory=dict)
    history_properties: dict[str, tuple[PropertyName | Literal["*"], ...]] = Field(default_factory=dict)
    payments: Payments = Payments()
    mirror: MirrorSettings = MirrorSettings()
    thresholds: Thresholds = Thresholds()
    retention: Retention = Retention()
    jira: Jira = Jira()

    @field_validator("report_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if not is_time_zone(value):
            raise ValueError(f"{value!r} is no IANA time zone, for example Europe/Berlin")
        return value

    @field_validator("properties")
    @classmethod
    def _with_defaults(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for object_name, names in value.items():
            known = _DEFAULT_PROPERTIES.get(object_name)
            if known is None or set(names) - set(known):
                wrong = object_name if known is None else min(set(names) - set(known))
                raise ValueError(f"unknown name {wrong!r}; known: {known or sorted(_DEFAULT_PROPERTIES)}")
        return {name: {**known, **value.get(name, {})} for name, known in _DEFAULT_PROPERTIES.items()}

    @field_validator("history_properties")
    @classmethod
    def _known_objects(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        known = [name for name, entry in CATALOGUE.items() if entry.keeps_history]
        if wrong := sorted(set(value) - set(known)):
            raise ValueError(f"unknown name {wrong[0]!r}; known: {', '.join(known)}")
        return value

    @property
    def overlap(self) -> timedelta:
        """How far every incremental read reaches back before the watermark."""
        return timedelta(minutes=self.overlap_minutes)

    @property
    def search_lag(self) -> timedelta:
        """How late HubSpot's search index may be before a window counts as complete."""
        return timedelta(seconds=self.search_lag_seconds)

    def history_of(self, object_name: str) -> tuple[str, ...] | None:
        """Return the properties whose earlier values are mirrored ("*" is all); None when nothing is said of them."""
        return self.history_properties.get(object_name)

    def mapped_properties(self, object_name: str) -> dict[str, str]:
        """Return canonical name → portal property for one object, defaults included."""
        return dict(self.properties.get(object_name, {}))


def load_business(path: Path | None) -> Business:
    """Read the TOML file, or the defaults without one.

    Raises ConfigurationError with the exact key when the file is missing, unreadable or holds a wrong value.
    """
    if path is None:
        return Business(properties={})
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror}"
        raise ConfigurationError("PLATFORM_CONFIG", problem, mend="give a readable TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError("PLATFORM_CONFIG", f"{path} is no TOML: {error}", mend="correct it") from error
    try:
        return Business(**{"properties": {}, **document})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = f"{path}, key {key or '(file)'}: {first['msg']}"
        raise ConfigurationError("PLATFORM_CONFIG", problem, mend="correct the key") from error
