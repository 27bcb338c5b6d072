"""Workspaces have fallback chains; a call's further attempts name the first."""

# pyright: reportUnknownArgumentType=false
# `sa.BigInteger` is generic over what it is read as, which a migration has no need to say.

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("fallbacks", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("calls", sa.Column("attempt", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("calls", sa.Column("attempt_of", sa.Text(), nullable=True))
