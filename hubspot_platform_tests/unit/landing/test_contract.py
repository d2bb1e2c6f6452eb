"""The catalogue of landed tables is complete and in itself consistent."""

import pytest

from hubspot_platform.landing.contract import CATALOGUE, landed_table
from hubspot_platform.landing.document import DOCUMENT, in_step
from hubspot_platform.landing.model import LandedTable
from hubspot_platform.warehouse import LogicalType

REQUIRED = (
    "company user_profile user_usage session lead mobile_signup company_to_client_id company_to_email "
    "email_to_client_id manager_bucket exchange_rate"
)
OPTIONAL = (
    "interaction_touchpoint business_case manager_history company_open_hub company_product_link "
    "company_data_from_analysts company_bi_data_hourly user_bi_data contact_bi_data company_user_rating "
    "ds_company_data company_churn_flow company_trial_extension company_delete_flow product_integration "
    "software_stack feature_feedback contact_heartbeat monday_bug"
)
PREDICTIONS = {
    "company_conversion_probability": "stg_ds_to_de_cp",
    "contact_cp_score": "ds_cp_contact_table_score",
    "contact_acv_score": "ds_acv_contact_table_score",
}


def test_every_table_of_the_data_contract_is_in_the_catalogue() -> None:
    named = {entry.full_name: entry.required for entry in CATALOGUE.values()}
    assert named == {
        **{f"product.{name}": True for name in REQUIRED.split()},
        **{f"product.{name}": False for name in OPTIONAL.split()},
        **{f"predictions.{name}": True for name in PREDICTIONS},
    }
    assert {name: CATALOGUE[f"predictions.{name}"].in_source for name in PREDICTIONS} == PREDICTIONS


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))
def test_an_entry_is_consistent(entry: LandedTable) -> None:
    table = entry.table
    assert table.description
    assert entry.required or entry.feeds
    for entry_field in entry.fields:
        rule, kind = entry_field.rule, entry_field.column.type
        assert not (rule.choices or rule.pattern or rule.case) or kind is LogicalType.TEXT
        numeric = {LogicalType.INT, LogicalType.DECIMAL, LogicalType.MONEY}
        assert (rule.least is rule.most is None) or kind in numeric
    moments = {column.name for column in table.columns if column.type is LogicalType.TIMESTAMP}
    assert not entry.key or not moments - set(entry.key) or entry.newest_by in moments


def test_a_table_is_found_by_its_name() -> None:
    assert landed_table("product.session").key == ("session_id",)
    with pytest.raises(KeyError):
        landed_table("product.nothing")


def test_the_document_lists_every_column_of_the_contract() -> None:
    assert in_step(DOCUMENT.read_text(encoding="utf-8")), "run python -m hubspot_platform.landing.document"
