"""Sensors that are not about alerts: the one that evaluates the automation conditions of the SQL models."""

import dagster as dg

INTERVAL_SECONDS = 30


def automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that asks for models whose condition holds; running from the first start."""
    return dg.AutomationConditionSensorDefinition(
        "sql_model_automation",
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
