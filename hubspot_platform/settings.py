"""Every environment variable, typed; nothing else in the platform reads the environment.

`load_settings` is called once per process by the command line, the Dagster definitions and the sandbox. A wrong
or missing variable raises ConfigurationError naming the variable and the mend; the command line exits with 2.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hubspot_platform.business import Business, load_business
from hubspot_platform.errors import ConfigurationError

FALLBACK_MIRROR_START = datetime(2026, 1, 1, tzinfo=UTC)

SOURCE_MEND = "use dir://PATH, postgresql://USER@HOST/DATABASE or bigquery://PROJECT/DATASET"
MENDS: Mapping[str, str] = {
    "HUBSPOT_ACCESS_TOKEN": "create a private app in HubSpot and set its access token",
    "HUBSPOT_BASE_URL": "use https://api.hubapi.com or the sandbox's address",
    "WAREHOUSE_URL": "use duckdb:///PATH or postgresql://USER@HOST/DATABASE",
    "PRODUCT_SOURCE": SOURCE_MEND,
    "PREDICTIONS_SOURCE": SOURCE_MEND,
    "STATE_URL": "use sqlite:///PATH or postgresql://USER@HOST/DATABASE",
    "SLACK_BASE_URL": "use https://slack.com/api/ or the sandbox's address",
    "DAGSTER_URL": "use the address people open Dagster's UI at, for example https://dagster.example.com",
    "GATEWAY_PUBLIC_URL": "use the address other systems call the gateway at, for example https://hooks.example.com",
    "GATEWAY_TRUSTED_PROXIES": "give addresses or networks, for example 10.0.0.0/8,192.0.2.7",
    "TOPIC_TRANSPORT": "leave it empty, or use pubsub://PROJECT",
    "CHARGEBEE_BASE_URL": "use the address of the site, https://SITE.chargebee.com",
    "CHARGEBEE_API_KEY": "create a read-only API key in Chargebee and set it",
    "CHARGEBEE_WEBHOOK_USERS": "give the user and password set on Chargebee's webhook as USER:PASSWORD",
    "MIRROR_START": "give a full hour in UTC, for example 2026-11-01T00:00:00Z",
}


class Settings(BaseSettings):
    """The environment of one process; secrets are SecretStr and never printed."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    hubspot_base_url: str = "https://api.hubapi.com"
    hubspot_access_token: SecretStr | None = Field(
        None, validation_alias=AliasChoices("HUBSPOT_ACCESS_TOKEN", "HUBSPOT_API_TOKEN")
    )
    hubspot_portal_id: int | None = Field(None, gt=0)
    hubspot_app_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    hubspot_rate_limit: int = Field(190, ge=0, le=1000)
    hubspot_search_rate_limit: int = Field(5, ge=0, le=100)
    hubspot_daily_limit: int | None = Field(None, gt=0)
    platform_home: Path = Path(".hubspot_platform")
    platform_config: Path | None = None
    warehouse_url: str = ""
    warehouse_memory: str = Field("500MB", pattern=r"^\d+(\.\d+)?[KMG]B$")
    state_url: str = ""
    product_source: str = ""
    predictions_source: str = ""
    slack_bot_token: SecretStr | None = None
    slack_base_url: str = "https://slack.com/api/"
    slack_channel: str = Field("#hubspot-alerts", min_length=1)
    gateway_public_url: str = ""
    gateway_trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    gateway_rate_limit: int = Field(1000, ge=0)
    gateway_max_body_bytes: int = Field(2_000_000, ge=1_000)
    gateway_max_waiting_events: int = Field(2_000_000, ge=1)
    gateway_legacy_signatures: bool = False
    chargebee_base_url: str = ""
    chargebee_api_key: SecretStr | None = None
    chargebee_webhook_users: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    jira_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    topic_transport: str = Field("", pattern=r"^(pubsub://[a-z0-9.:-]+)?$")
    topic_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    admin_token: SecretStr | None = None
    dagster_home: Path | None = None
    dagster_url: str = ""
    mirror_start: datetime | None = None
    hubspot_platform_kill_at: str = ""

    @field_validator(
        "hubspot_app_secrets",
        "chargebee_webhook_users",
        "jira_webhook_secrets",
        "topic_tokens",
        "gateway_trusted_proxies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("hubspot_base_url", "slack_base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is no http(s) address")
        return value

    @field_validator("chargebee_webhook_users")
    @classmethod
    def _user_and_password(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for entry in value:
            user, colon, password = entry.get_secret_value().partition(":")
            if not (user and colon and password):
                raise ValueError("must be USER:PASSWORD, several separated by commas")
        return value

    @field_validator("dagster_url", "gateway_public_url", "chargebee_base_url")
    @classmethod
    def _http_or_nothing(cls, value: str) -> str:
        return cls._http(value).rstrip("/") if value else ""

    @field_validator("slack_base_url")
    @classmethod
    def _ends_with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else f"{value}/"

    @field_validator("hubspot_base_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("warehouse_url")
    @classmethod
    def _warehouse_scheme(cls, value: str) -> str:
        return _with_scheme(value, ("duckdb", "postgresql", "postgres"))

    @field_validator("state_url")
    @classmethod
    def _state_scheme(cls, value: str) -> str:
        return _with_scheme(value, ("sqlite", "postgresql", "postgres"))

    @field_validator("product_source", "predictions_source")
    @classmethod
    def _source_scheme(cls, value: str) -> str:
        return _with_scheme(value, ("dir", "postgresql", "postgres", "bigquery"))

    @field_validator("mirror_start")
    @classmethod
    def _full_hour(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if (value.minute, value.second, value.microsecond) != (0, 0, 0):
            raise ValueError("is no full hour")
        return value

    @cached_property
    def home(self) -> Path:
        """Absolute folder of both default stores, logs and published copies."""
        return self.platform_home.expanduser().resolve()

    @cached_property
    def warehouse(self) -> str:
        """Warehouse URL, by default a DuckDB file in the home folder."""
        return self.warehouse_url or f"duckdb:///{self.home / 'warehouse.duckdb'}"

    @cached_property
    def state(self) -> str:
        """State store URL, by default an SQLite file in the home folder."""
        return self.state_url or f"sqlite:///{self.home / 'state.sqlite'}"

    @cached_property
    def dagster_folder(self) -> Path:
        """Absolute DAGSTER_HOME."""
        return (self.dagster_home or self.home / "dagster").expanduser().resolve()

    @cached_property
    def first_partition(self) -> datetime:
        """Start of the first hourly partition: MIRROR_START, else what the first start of this home wrote down."""
        if self.mirror_start is not None:
            return self.mirror_start
        try:
            return datetime.fromisoformat(self.mirror_start_file.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            return FALLBACK_MIRROR_START

    @property
    def mirror_start_file(self) -> Path:
        """Where the first start of a home remembers its first partition."""
        return self.home / "mirror_start"

    @cached_property
    def business(self) -> Business:
        """The business settings of PLATFORM_CONFIG."""
        return load_business(self.platform_config)

    def require_token(self) -> SecretStr:
        """Return the HubSpot token or raise ConfigurationError."""
        if self.hubspot_access_token is None:
            variable = "HUBSPOT_ACCESS_TOKEN"
            raise ConfigurationError(variable, "is not set", mend=MENDS[variable])
        return self.hubspot_access_token


def _with_scheme(value: str, schemes: tuple[str, ...]) -> str:
    scheme = value.split("://", 1)[0].split("+", 1)[0] if "://" in value else ""
    if value and scheme not in schemes:
        raise ValueError(f"must begin with one of {', '.join(f'{name}://' for name in schemes)}")
    return value


def variable_of(field: str) -> str:
    """Return the environment variable a settings field is read from."""
    return field.upper()


def load_settings(**overrides: Any) -> Settings:
    """Read and validate the environment (and `.env`), PLATFORM_CONFIG included.

    Raises ConfigurationError with the variable's name and the mend; the value itself is never repeated, it may be
    a secret.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        variable = variable_of(str(first["loc"][0]))
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(variable, problem, mend=MENDS.get(variable, "correct the value")) from None
    settings.business  # noqa: B018 - a wrong business file must stop the process here, not in the middle of a run
    return settings
