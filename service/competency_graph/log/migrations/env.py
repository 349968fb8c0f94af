"""Runs the migrations on the connection that the log hands over. Knows no URL and no file."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
