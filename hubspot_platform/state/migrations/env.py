"""Alembic's environment: runs the migrations on the connection and in the transaction `migrate` opened."""

from alembic import context

from hubspot_platform.state.schema import metadata
from hubspot_platform.state.upgrade import version_schema

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema=version_schema(connection),
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
