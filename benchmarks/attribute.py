"""Builds every attribution model of a warehouse and prints how long each took; run as a process by its scenario."""

import json
import sys
import time
from datetime import UTC, datetime

from hubspot_platform.attribution.tables import ATTRIBUTION_RUN
from hubspot_platform.business import Business
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import open_warehouse

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def main() -> None:
    """Build the models of the warehouse named first with the memory named second."""
    url, memory = sys.argv[1:3]
    waiting = [model for model in load_models(sql_folder(), Business(properties={})) if model.schema == "attribution"]
    took: dict[str, float] = {}
    used: dict[str, float] = {}
    rows: dict[str, int] = {}
    with open_warehouse(url, memory_limit=memory).writer() as session:
        session.ensure(ATTRIBUTION_RUN)
        while waiting:
            names = {(model.schema, model.name) for model in waiting}
            model = next(model for model in waiting if not names & set(model.analysis.reads))
            began, worked = time.perf_counter(), time.process_time()
            rows[model.name] = build_model(session, model, AS_OF).rows
            took[model.name] = round(time.perf_counter() - began, 2)
            used[model.name] = round(time.process_time() - worked, 2)
            waiting.remove(model)
    json.dump({"seconds": took, "cpu_seconds": used, "rows": rows}, sys.stdout)


if __name__ == "__main__":
    main()
