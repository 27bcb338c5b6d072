"""A secret may have several keys, each with a label and a weight; a call names the label of its own."""

# pyright: reportUnknownArgumentType=false
# `sa.Double` is generic over what it is read as, which a migration has no need to say.

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    connection = op.get_bind()
    rows = (
        connection.execute(sa.text("SELECT workspace_id, name, ciphertext, created_at, updated_at FROM secrets")).mappings().all()
    )
    op.drop_table("secrets")  # SQLite can't change a primary key
    secrets = op.create_table(
        "secrets",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_secrets_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "name", "label", name=op.f("pk_secrets")),
    )
    op.bulk_insert(secrets, [dict(row) | {"label": "default", "weight": 1} for row in rows])
    op.add_column("calls", sa.Column("provider_key", sa.Text(), nullable=True))
