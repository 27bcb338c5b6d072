"""Alembic's entry: migrates over the connection that `sallyport.store.migrate` hands it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)  # the caller's transaction
context.run_migrations()
