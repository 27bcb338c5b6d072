"""Admin keys have roles, those there are organization admins'; policies and audit rows are a workspace's; creates are kept."""

# pyright: reportUnknownArgumentType=false
# `sa.Double` is generic over what it is read as, which a migration has no need to say.

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("admin_keys", sa.Column("role", sa.Text(), nullable=False, server_default="organization_admin"))
    op.add_column("admin_keys", sa.Column("workspaces", sa.JSON(), nullable=True))
    op.add_column("admin_keys", sa.Column("user_id", sa.Text(), nullable=True))
    for name in ("policies", "audit_logs"):
        op.add_column(name, sa.Column("workspace_id", sa.Text(), nullable=True))
        op.create_index(op.f(f"ix_{name}_workspace_id"), name, ["workspace_id"])
    op.add_column("workspaces", sa.Column("langsmith_callers", sa.Text(), nullable=True))
    op.add_column("calls", sa.Column("recorded_at", sa.Double(), nullable=False, server_default="0"))
    op.execute("UPDATE calls SET recorded_at = started_at")
    op.create_index(op.f("ix_calls_recorded_at_id"), "calls", ["recorded_at", "id"])
    _own_policies(op.get_bind())
    op.create_table(
        "idempotency_keys",
        sa.Column("admin_key_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("admin_key_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_at"), "idempotency_keys", ["at"])


def _own_policies(connection: sa.Connection) -> None:
    """The policies that hold in one workspace, or for keys of one, are that workspace's."""
    keys = {row.id: row.workspace_id for row in connection.execute(sa.text("SELECT id, workspace_id FROM gateway_keys"))}
    policies = sa.table("policies", sa.column("id"), sa.column("subject_matchers", sa.JSON()), sa.column("workspace_id"))
    for id, matchers in connection.execute(sa.select(policies.c.id, policies.c.subject_matchers)).all():
        named = {key: {entry["value"] for entry in matchers if entry["key"] == key} for key in ("workspace_id", "api_key_id")}
        workspaces = named["workspace_id"]
        if not workspaces and "" not in named["api_key_id"]:
            workspaces = {keys[key] for key in named["api_key_id"] if key in keys}
        if len(workspaces) == 1 and (workspace := workspaces.pop()):
            connection.execute(sa.update(policies).where(policies.c.id == id).values(workspace_id=workspace))
