"""The warehouses of the model tests: the same rows, both engines."""

from hubspot_platform_tests.integration.sql_models.conftest import warehouse

__all__ = ["warehouse"]
