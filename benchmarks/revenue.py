"""Builds the MRR of every subscription of a warehouse and prints how long each model took; its scenario runs it."""

import json
import sys
import time
from datetime import UTC, datetime

from hubspot_platform.business import Business
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import open_warehouse

AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
MODELS = (
    "billing_customer", "coupon", "exchange_rate", "subscription_copy", "subscription_coupon", "subscription_line",
    "mrr_step", "subscription_state", "subscription_mrr", "company_mrr",
)  # fmt: skip


def main() -> None:
    """Build the models of the warehouse named first with the memory named second."""
    url, memory = sys.argv[1:3]
    models = {model.name: model for model in load_models(sql_folder(), Business(properties={}))}
    took: dict[str, float] = {}
    rows: dict[str, int] = {}
    for name in MODELS:
        with open_warehouse(url, memory_limit=memory).writer() as session:
            began = time.perf_counter()
            rows[name] = build_model(session, models[name], AS_OF).rows
            took[name] = round(time.perf_counter() - began, 2)
    json.dump({"seconds": took, "rows": rows}, sys.stdout)


if __name__ == "__main__":
    main()
