"""What exists: mirror tables and SQL models as Dagster assets."""
