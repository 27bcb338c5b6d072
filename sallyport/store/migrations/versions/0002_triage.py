"""Violations are triaged and commented on; admin keys may expire."""

# pyright: reportUnknownArgumentType=false
# `sa.Double` is generic over what it is read as, which a migration has no need to say.

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("admin_keys", sa.Column("expires_at", sa.Double(), nullable=True))
    op.add_column("violations", sa.Column("assignee", sa.Text(), nullable=True))
    op.create_table(
        "violation_comments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("violation_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["violation_id"], ["violations.id"], name=op.f("fk_violation_comments_violation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_violation_comments")),
    )
    op.create_index(op.f("ix_violation_comments_violation_id"), "violation_comments", ["violation_id"], unique=False)
