"""The tables of the store, for SQLite and Postgres.

What is here is what the newest migration leaves behind; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)  # fmt: skip

HEAD = "0001"
"""The newest migration."""

metadata = MetaData()
SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("progress", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("model", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("size", String(32), nullable=False),
    Column("seconds", String(32), nullable=False),
    Column("order", JSON, nullable=False),
    Column("made", JSON, nullable=False),
    Column("files", JSON, nullable=False),
    Column("remixed_from_video_id", String(64)),
    Column("error", JSON(none_as_null=True)),
    Column("attempts", Integer, nullable=False),
    Column("worker", String(128)),
    Column("leased_until", Float, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("lapses", Integer, nullable=False),
    Column("stored_bytes", BigInteger, nullable=False),
    Index("jobs_by_owner", "owner", "kind", "seq"),
    Index("jobs_by_status", "status", "seq"),
)
"""worker, leased_until: who makes it, and until when it is theirs. deaths, lapses: how often in a row, without new
progress, an engine died of it or a worker fell silent."""

retries = Table(
    "retries",
    metadata,
    Column("owner", String(64), nullable=False),
    Column("token", String(128), nullable=False),
    Column("job_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("owner", "token"),
)
"""Which job a repeated request is the repetition of."""

keys = Table(
    "keys",
    metadata,
    Column("public_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("limits", JSON, nullable=False),
)
"""API keys; of a secret its SHA-256 alone."""

characters = Table(
    "characters",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("file_key", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
