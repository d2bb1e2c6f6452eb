"""Data quality checks as Dagster asset checks, made from the object catalogue."""
