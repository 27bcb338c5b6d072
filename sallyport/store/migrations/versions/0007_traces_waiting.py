"""Traces wait in an outbox, written in the transaction of their calls; a call names its conversation."""

# pyright: reportUnknownArgumentType=false
# `sa.Double` is generic over what it is read as, which a migration has no need to say.

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "traces_waiting",
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.Double(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("sink", "lane", "call_id", name=op.f("pk_traces_waiting")),
    )
    op.add_column("calls", sa.Column("session_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_calls_session_id_started_at"), "calls", ["session_id", "started_at"])
