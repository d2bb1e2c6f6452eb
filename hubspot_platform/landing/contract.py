"""The catalogue of landed tables: what users of the platform must provide, one entry a table.

Landing, its assets and the documentation read it, and SQL models rely on it. A new table is one entry here or in
`features.py`, which holds the tables a source may lack.
"""

from collections.abc import Mapping

from hubspot_platform.landing.features import FEATURES
from hubspot_platform.landing.model import Field, LandedTable, field
from hubspot_platform.warehouse.model import Column, LogicalType, Table

CREATED = field("created_at", "timestamp", "when the row came into being")
UPDATED = field("updated_at", "timestamp", "when it last changed; of two rows with one key the newer lands")
COMPANY_ID = field("company_id", "text", "the company's id in the product")
CLICK_IDS: tuple[Field, ...] = (
    field("gclid", "text?", "Google click id"),
    field("wbraid", "text?", "Google click id, iOS app to web"),
    field("gbraid", "text?", "Google click id, iOS web to app"),
    field("fbclid", "text?", "Meta click id"),
    field("fbp", "text?", "Meta browser id"),
    field("msclkid", "text?", "Microsoft click id"),
    field("li_fat_id", "text?", "LinkedIn click id"),
)
UTM: tuple[Field, ...] = tuple(
    field(f"utm_{name}", "text?", f"utm_{name} of the landing address")
    for name in ("source", "medium", "campaign", "term", "content")
)

REQUIRED: tuple[LandedTable, ...] = (
    LandedTable(
        "product",
        "company",
        "Companies of the product.",
        (
            COMPANY_ID,
            field("company_name", "text"),
            field("domain", "text?"),
            field("status", "text", choices="LEAD TRIAL DEMO FREE PAYING CHURNED"),
            field("signup_timestamp", "timestamp?", "the anchor of attribution"),
            field("num_of_employees_range", "text?"),
            field("plan_type", "text?", choices="trial demo free sbp standard enterprise"),
            field("first_paid_at", "timestamp?", "first payment of the current paying streak"),
            field("hubspot_company_id", "text?"),
            field("cs_manager_id", "text?"),
            field("cs_manager_locked", "bool"),
            field("cs_manager_locked_until", "timestamp?"),
            field("sales_account_manager_id", "text?"),
            field("sales_manager_locked", "bool?"),
            field("sales_manager_locked_until", "timestamp?"),
            field("industry", "text?"),
            field("country", "text?"),
            field("white_label", "bool?"),
            CREATED,
            UPDATED,
        ),
        key=("company_id",),
    ),
    LandedTable(
        "product",
        "user_profile",
        "Users of the product.",
        (
            field("user_id", "text"),
            COMPANY_ID,
            field("email", "text", "as the user typed it; joins normalise it"),
            field("first_name", "text?"),
            field("last_name", "text?"),
            field("phone", "text?"),
            field("role", "text?"),
            field("hubspot_contact_id", "text?"),
            CREATED,
            field("last_login_at", "timestamp?"),
            UPDATED,
        ),
        key=("user_id",),
    ),
    LandedTable(
        "product",
        "user_usage",
        "What a user did on a day.",
        (
            field("user_id", "text"),
            field("usage_date", "date"),
            COMPANY_ID,
            field("sessions", "int", within="0.."),
            field("actions", "int", within="0.."),
            field("active_minutes", "int", within="0..1440"),
        ),
        key=("user_id", "usage_date"),
    ),
    LandedTable(
        "product",
        "session",
        "Visits of the web site and the product, as tracked; attribution refuses those without a usable id.",
        (
            field("session_id", "text", "a UUID when valid"),
            field("ingested_at", "timestamp?", "when the tracking service stored it"),
            field("client_id", "text", "the browser, a UUID when valid"),
            field("started_at", "timestamp"),
            field("landing_url", "text"),
            field("referrer", "text?"),
            *UTM,
            *CLICK_IDS,
            field("user_agent", "text?"),
            field("country", "text?"),
        ),
        key=("session_id",),
        newest_by="ingested_at",
    ),
    LandedTable(
        "product",
        "lead",
        "Forms that were sent; a lead may know only an e-mail address.",
        (
            field("lead_id", "text"),
            field("submitted_at", "timestamp"),
            field("email", "text"),
            field("client_id", "text?"),
            field("form_name", "text"),
            field("page_url", "text?"),
            field("phone", "text?"),
        ),
        key=("lead_id",),
        newest_by="submitted_at",
    ),
    LandedTable(
        "product",
        "mobile_signup",
        "Sign-ups in the mobile apps.",
        (
            field("event_id", "text"),
            field("occurred_at", "timestamp"),
            COMPANY_ID,
            field("email", "text?"),
            field("client_id", "text?"),
            field("platform", "text", choices="ios android"),
            field("install_referrer", "text?", "a query string"),
        ),
        key=("event_id",),
        newest_by="occurred_at",
    ),
    LandedTable(
        "product",
        "company_to_client_id",
        "Browsers known to belong to a company.",
        (COMPANY_ID, field("client_id", "text"), field("linked_at", "timestamp")),
    ),
    LandedTable(
        "product",
        "company_to_email",
        "E-mail addresses known to belong to a company.",
        (COMPANY_ID, field("email", "text"), field("linked_at", "timestamp")),
    ),
    LandedTable(
        "product",
        "email_to_client_id",
        "Browsers an e-mail address was seen in.",
        (field("email", "text"), field("client_id", "text"), field("linked_at", "timestamp")),
    ),
    LandedTable(
        "product",
        "manager_bucket",
        "Which managers take companies of which stage, in which order.",
        (
            field("bucket", "text", choices="sales sbp no_touch onboarding success"),
            field("manager_id", "text"),
            field("name", "text"),
            field("position", "int"),
            field("active", "bool"),
            field("hubspot_owner_id", "text?"),
        ),
        key=("bucket", "manager_id"),
    ),
    LandedTable(
        "product",
        "exchange_rate",
        "US dollars for one unit of a currency; the use of a rate that is zero or negative is refused later.",
        (
            field("currency", "text", "ISO 4217", pattern="[A-Z]{3}", case="upper"),
            field("rate_date", "date"),
            field("usd_per_unit", "decimal"),
        ),
        key=("currency", "rate_date"),
    ),
)

_PREDICTED = field("predicted_at", "timestamp")
_EMAIL_KEY = field("email", "text", "lower case", case="lower")

PREDICTIONS: tuple[LandedTable, ...] = (
    LandedTable(
        "predictions",
        "company_conversion_probability",
        "How likely a company is to pay, from the model ds_bad_day_all_predict.",
        (COMPANY_ID, field("probability", "decimal", within="0..1"), field("model_version", "text"), _PREDICTED),
        key=("company_id",),
        newest_by="predicted_at",
        source_name="stg_ds_to_de_cp",
    ),
    LandedTable(
        "predictions",
        "contact_cp_score",
        "How likely a contact is to convert, from the model ds_cp_predict.",
        (_EMAIL_KEY, field("cp_score", "decimal", within="0..1"), _PREDICTED),
        key=("email",),
        newest_by="predicted_at",
        source_name="ds_cp_contact_table_score",
    ),
    LandedTable(
        "predictions",
        "contact_acv_score",
        "What a contact's contract would be worth in US dollars a year, from the model ds_acv_predict.",
        (_EMAIL_KEY, field("acv_score", "money", within="0.."), _PREDICTED),
        key=("email",),
        newest_by="predicted_at",
        source_name="ds_acv_contact_table_score",
    ),
)

CATALOGUE: Mapping[str, LandedTable] = {entry.full_name: entry for entry in (*REQUIRED, *FEATURES, *PREDICTIONS)}

REJECTED_ROW = Table(
    "product",
    "rejected_row",
    (
        Column("table_name", LogicalType.TEXT, "the table the row was meant for, with its schema"),
        Column(
            "row_number",
            LogicalType.INT,
            "its place in the source, from 1; a line that is no row stands behind those read together with it",
        ),
        Column("row_json", LogicalType.JSON, "the row as the source had it"),
        Column("reason", LogicalType.TEXT, "bad_type, missing_value, unknown_choice, out_of_range, bad_pattern, ..."),
        Column("column_name", LogicalType.TEXT, "the column that broke the contract first"),
        Column("rejected_at", LogicalType.TIMESTAMP, "when the table was landed"),
    ),
    key=("table_name", "row_number"),
    description="Rows that break the contract, each table's from its last landing; every other row landed.",
)


def landed_table(name: str) -> Table:
    """Return the warehouse table of a name such as `product.session`; KeyError for others."""
    return CATALOGUE[name].table
