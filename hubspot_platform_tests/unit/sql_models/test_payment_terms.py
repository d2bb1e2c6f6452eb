"""What the payment settings put into a model's text."""

import re

import pytest
from pydantic import ValidationError

from hubspot_platform.business import Business, Payments
from hubspot_platform.sql_models.render import render


def _rendered(name: str, **payments: object) -> str:
    business = Business(properties={}, payments=Payments.model_validate(payments))
    return render(f"${{{name}}}", business, "model.sql")


def test_fields_of_the_biller_become_literals() -> None:
    assert _rendered("company_field") == "'cf_company_id'"
    assert _rendered("company_field", company_field="cf_account") == "'cf_account'"


@pytest.mark.parametrize(
    ("ref", "found"),
    [("seats-usd", True), ("team_seat", True), ("seat", True), ("seatsurfing", False), ("my-seatbelt", False)],
)
def test_a_bundle_is_found_by_whole_words_of_an_id(ref: str, found: bool) -> None:
    assert (re.search(_rendered("bundle_seats").strip("'"), ref) is not None) == found


def test_a_bundle_of_ones_own_leaves_the_others_as_they_are() -> None:
    own = {"bundles": {"hr": ["people-2026"]}}
    assert re.search(_rendered("bundle_hr", **own).strip("'"), "people-2026-usd")
    assert _rendered("bundle_ops", **own) == _rendered("bundle_ops")


def test_what_could_change_a_statement_is_no_setting() -> None:
    with pytest.raises(ValidationError):
        Payments.model_validate({"company_field": "cf' or 1=1"})
    with pytest.raises(ValidationError):
        Payments.model_validate({"bundles": {"hr": ["x')"]}})
