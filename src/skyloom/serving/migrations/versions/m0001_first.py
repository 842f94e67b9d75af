"""Jobs, repeated requests, keys, characters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "jobs",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger()),
        sa.Column("expires_at", sa.BigInteger()),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("model", "prompt")),
        *(sa.Column(name, sa.String(32), nullable=False) for name in ("size", "seconds")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("order", "made", "files")),
        sa.Column("remixed_from_video_id", sa.String(64)),
        sa.Column("error", sa.JSON()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(128)),
        sa.Column("leased_until", sa.Float(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("deaths", "lapses")),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
    )
    op.create_index("jobs_by_owner", "jobs", ["owner", "kind", "seq"])
    op.create_index("jobs_by_status", "jobs", ["status", "seq"])
    _small_tables()


def _small_tables() -> None:
    op.create_table(
        "retries",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("token", sa.String(128), primary_key=True),
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("public_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("limits", sa.JSON(), nullable=False),
    )
    op.create_table(
        "characters",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("jobs", "retries", "keys", "characters"):
        op.drop_table(name)
