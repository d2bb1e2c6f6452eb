"""Alembic migrations of the operational state, shipped inside the package."""
