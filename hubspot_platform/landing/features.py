"""The tables a source may lack: each feeds the property manager or worker of its name, which then has nothing to say.

Part of the catalogue in `contract.py`. The key is the company's, the user's or the contact's; columns are those the
property managers push.
"""

from hubspot_platform.landing.model import Field, LandedTable, field

_COMPANY = field("company_id", "text", "the company's id in the product")
_USER = field("user_id", "text", "the user's id in the product")
_EMAIL = field("email", "text", "lower case", case="lower")
_UPDATED = field("updated_at", "timestamp", "when it last changed")


def _optional(
    name: str, description: str, key: str, fields: tuple[Field, ...], *, feeds: str = "", newest_by: str = "updated_at"
) -> LandedTable:
    return LandedTable(
        "product",
        name,
        description,
        fields,
        key=tuple(key.split()),
        required=False,
        newest_by=newest_by,
        feeds=feeds,
    )


FEATURES: tuple[LandedTable, ...] = (
    _optional(
        "interaction_touchpoint",
        "Touchpoints another system already made; they join the platform's own.",
        "touchpoint_id",
        (
            field("touchpoint_id", "text"),
            field("source_type", "text?", "what it was there; attribution calls them all external"),
            field("source_id", "text"),
            field("occurred_at", "timestamp"),
            field("ingested_at", "timestamp?"),
            field("client_id", "text?"),
            field("email", "text?"),
            field("channel", "text"),
            *(
                field(name, "text?")
                for name in (
                    *("campaign", "source", "medium", "term", "content"),
                    *("gclid", "wbraid", "gbraid", "fbclid", "fbp", "msclkid", "li_fat_id"),
                )
            ),
        ),
        feeds="attribution",
        newest_by="ingested_at",
    ),
    _optional(
        "business_case",
        "Cases the business works on with a company.",
        "case_id",
        (
            field("case_id", "text"),
            _COMPANY,
            field("title", "text"),
            field("stage", "text", choices="open won lost"),
            field("value_usd", "money?", within="0.."),
            field("manager_id", "text?"),
            field("opened_at", "timestamp"),
            field("decided_at", "timestamp?"),
            _UPDATED,
        ),
        feeds="CompanyMetaData",
    ),
    _optional(
        "manager_history",
        "Who managed a company, from when to when.",
        "company_id role manager_id assigned_at",
        (
            _COMPANY,
            field("role", "text", choices="cs sales"),
            field("manager_id", "text"),
            field("assigned_at", "timestamp"),
            field("ended_at", "timestamp?"),
        ),
        feeds="CompanyJourney",
        newest_by="ended_at",
    ),
    _optional(
        "company_open_hub",
        "Parts of the product a company has switched on.",
        "company_id hub",
        (
            _COMPANY,
            field("hub", "text", choices="operations communications hr"),
            field("is_open", "bool"),
            field("opened_at", "timestamp?"),
            _UPDATED,
        ),
        feeds="CompanyOpenHubs",
    ),
    _optional(
        "company_product_link",
        "Addresses in the product that staff open from HubSpot.",
        "company_id link_type",
        (
            _COMPANY,
            field("link_type", "text", choices="admin billing usage"),
            field("url", "text", pattern="https?://.+"),
            _UPDATED,
        ),
        feeds="CompanyProductLinks",
    ),
    _optional(
        "company_data_from_analysts",
        "What analysts found out about a company.",
        "company_id",
        (
            _COMPANY,
            field("segment", "text?", choices="self_service small_business mid_market enterprise"),
            field("lead_grade", "text?", choices="A B C D"),
            field("potential_seats", "int?", within="0.."),
            field("research_note", "text?"),
            _UPDATED,
        ),
        feeds="CompanyDataFromAnalysts",
    ),
    _optional(
        "company_bi_data_hourly",
        "Health of a company as the BI jobs see it each hour.",
        "company_id",
        (
            _COMPANY,
            field("health_score", "int?", within="0..100"),
            field("adoption_share", "decimal?", "share of the bought features in use", within="0..1"),
            field("seats_used", "int?", within="0.."),
            field("seats_bought", "int?", within="0.."),
            _UPDATED,
        ),
        feeds="CompanyBiDataHourly",
    ),
    _optional(
        "user_bi_data",
        "A user as the BI jobs see them.",
        "user_id",
        (
            _USER,
            _COMPANY,
            field("engagement_score", "int?", within="0..100"),
            field("is_power_user", "bool?"),
            field("last_feature_used", "text?"),
            _UPDATED,
        ),
        feeds="HubspotUserBiDataSub",
    ),
    _optional(
        "contact_bi_data",
        "A contact as the BI jobs see them.",
        "email",
        (
            _EMAIL,
            field("persona", "text?", choices="decision_maker champion user"),
            field("lead_score", "int?", within="0..100"),
            field("intent", "text?", choices="low medium high"),
            _UPDATED,
        ),
        feeds="HubspotContactBiDataSub",
    ),
    _optional(
        "company_user_rating",
        "Stars users gave the product.",
        "user_id rated_at",
        (
            _USER,
            _COMPANY,
            field("rated_at", "timestamp"),
            field("stars", "int", within="1..5"),
            field("store", "text?", choices="web app_store google_play"),
            field("comment", "text?"),
        ),
        feeds="CompanyUserRatingSummary",
        newest_by="rated_at",
    ),
    _optional(
        "ds_company_data",
        "What data science says of a company.",
        "company_id",
        (
            _COMPANY,
            field("churn_probability", "decimal?", within="0..1"),
            field("expansion_probability", "decimal?", within="0..1"),
            field("lifetime_value_usd", "money?", within="0.."),
            field("model_version", "text"),
            field("predicted_at", "timestamp"),
        ),
        feeds="DsCompanyData",
        newest_by="predicted_at",
    ),
    _optional(
        "company_churn_flow",
        "Companies that began to cancel, and how it went.",
        "company_id started_at",
        (
            _COMPANY,
            field("started_at", "timestamp"),
            field("reason", "text?", choices="price product support competitor closed_business"),
            field("offer", "text?", "what was offered to keep them"),
            field("outcome", "text", choices="in_progress retained churned"),
            field("finished_at", "timestamp?"),
            _UPDATED,
        ),
        feeds="CompanyChurnFlowData",
    ),
    _optional(
        "company_trial_extension",
        "Trials that were made longer.",
        "company_id extended_at",
        (
            _COMPANY,
            field("extended_at", "timestamp"),
            field("days", "int", within="1..90"),
            field("trial_ends_on", "date"),
            field("manager_id", "text?", "who granted it"),
        ),
        feeds="CompanyTrialExtension",
        newest_by="extended_at",
    ),
    _optional(
        "company_delete_flow",
        "Companies that asked to be deleted.",
        "company_id requested_at",
        (
            _COMPANY,
            field("requested_at", "timestamp"),
            field("reason", "text?"),
            field("status", "text", choices="requested withdrawn deleted"),
            field("deleted_at", "timestamp?"),
            _UPDATED,
        ),
        feeds="CompanyLatestDeleteFlowData",
    ),
    _optional(
        "product_integration",
        "Other systems a company has connected.",
        "company_id integration",
        (
            _COMPANY,
            field("integration", "text", case="lower"),
            field("status", "text", choices="connected disconnected failing"),
            field("connected_at", "timestamp?"),
            _UPDATED,
        ),
        feeds="ProductIntegrations",
    ),
    _optional(
        "software_stack",
        "Software a company uses beside the product.",
        "company_id category software",
        (
            _COMPANY,
            field("category", "text", choices="payroll hr crm communication accounting"),
            field("software", "text"),
            field("found_by", "text?", choices="user sales enrichment"),
            _UPDATED,
        ),
        feeds="SoftwareStack",
    ),
    _optional(
        "feature_feedback",
        "What contacts said about a feature.",
        "feedback_id",
        (
            field("feedback_id", "text"),
            field("email", "text", case="lower"),
            field("user_id", "text?"),
            field("company_id", "text?"),
            field("feature", "text"),
            field("sentiment", "text?", choices="positive neutral negative"),
            field("comment", "text?"),
            field("submitted_at", "timestamp"),
        ),
        feeds="HubspotContactProfileUpdater",
        newest_by="submitted_at",
    ),
    _optional(
        "contact_heartbeat",
        "When a contact was last seen in the product.",
        "email",
        (
            _EMAIL,
            field("last_seen_at", "timestamp"),
            field("platform", "text?", choices="web ios android"),
            field("app_version", "text?"),
        ),
        feeds="HubspotContactProfileUpdater",
        newest_by="last_seen_at",
    ),
    _optional(
        "monday_bug",
        "Bugs of a Monday.com board, where another job has them already.",
        "item_id",
        (
            field("item_id", "text"),
            field("board_id", "text"),
            field("name", "text"),
            field("status", "text"),
            field("priority", "text?", choices="low medium high critical"),
            field("company_id", "text?"),
            field("created_at", "timestamp"),
            _UPDATED,
        ),
        feeds="sync_hubspot_company_bugs",
    ),
)
