"""Calls keep what their caller said of them in headers, and all that their price was worked out from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("calls", sa.Column("headers", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("calls", sa.Column("usage", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("calls", sa.Column("priced_as", sa.Text(), nullable=True))
