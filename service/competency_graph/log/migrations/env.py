"""Lets Alembic run the steps on the connection that ``schema`` holds. Opens none itself."""

from alembic import context

from competency_graph.log.tables import SCHEMA_TABLE

# Alembic imports this file in order to run it, hence statements and no function. The connection
# is inside a transaction already: all steps become one, whole or not at all.
context.configure(
    connection=context.config.attributes["connection"],
    version_table=SCHEMA_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
