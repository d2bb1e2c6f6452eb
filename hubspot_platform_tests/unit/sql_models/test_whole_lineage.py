"""From a column of the product or the biller to a figure people read: the lineage that every asset shows."""

import pytest

from hubspot_platform.assets.sql_models import model_assets
from hubspot_platform_tests.unit.sql_models.terms import all_models


def origins(table: str, column: str) -> set[str]:
    """The columns outside the models that a model's column is made of."""
    model = next((found for found in all_models() if found.qualified == table), None)
    if model is None:
        return {f"{table}.{column}"}
    sources = dict(model.analysis.lineage)[column]
    return {origin for one in sources for origin in origins(f"{one.schema}.{one.table}", one.column)}


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        (
            "attribution.company_profile_attribution_last",
            "gclid",
            {
                "product.session.gclid", "product.lead.page_url", "product.mobile_signup.install_referrer",
                "product.interaction_touchpoint.gclid",
            },
        ),
        ("attribution.company_profile_attribution", "anchor", {"product.company.signup_timestamp"}),
        ("attribution.company_profile_attribution", "n_clients", {
            "product.company_to_client_id.client_id", "product.email_to_client_id.client_id",
        }),
        ("attribution.multi_touch_credit", "time_decay", {
            "product.session.started_at", "product.company.signup_timestamp",
        }),
        ("payments.company_mrr", "arr_range", {
            "payments.payment_events.content", "product.exchange_rate.usd_per_unit",
        }),
        ("payments.mrr_month", "net_revenue_retention", {"payments.payment_events.content"}),
        ("metrics.daily_metric", "value", {"hubspot.deal.property_amount"}),
    ],
)  # fmt: skip
def test_a_figure_leads_back_to_the_columns_it_is_made_of(table: str, column: str, expected: set[str]) -> None:
    assert origins(table, column) >= expected


def test_every_asset_shows_where_its_columns_come_from() -> None:
    models = [model for model in all_models() if model.schema in {"attribution", "payments", "metrics"}]
    for model, asset in zip(models, model_assets(models, "duckdb"), strict=True):
        (spec,) = asset.specs
        shown = str(spec.metadata["column_lineage"].value).splitlines()[2:]
        assert [line.split(" | ")[0].removeprefix("| ") for line in shown] == list(model.table.column_names)
        assert set(spec.metadata["dagster/column_lineage"].deps_by_column) <= set(model.table.column_names)
