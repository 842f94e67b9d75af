"""API keys in the store, hashed.

A secret is 32 random bytes, shown once, when it is made; the store holds its SHA-256 alone. (A slow hash guards weak
passwords; 256 random bits need none.) A key's public id owns the jobs that were made with it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from skyloom.errors import InvalidArgument, nearest_name
from skyloom.serving.database import Database
from skyloom.serving.jobs import Limits
from skyloom.serving.schema import keys

SECRET_PREFIX = "sk-skyloom-"


@dataclass(frozen=True)
class Key:
    """What may be told of a key; times in unix seconds."""

    public_id: str
    name: str
    created_at: int
    revoked_at: int | None
    limits: Limits

    @property
    def owner(self) -> str:
        """Whose jobs are made with it."""
        return self.public_id


def digest(secret: str) -> str:
    """Return what is stored of a secret: 64 hex digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Keys(Database):
    """The table of keys."""

    def add_key(self, name: str, limits: Limits | None = None) -> tuple[str, str]:
        """Make a key; return its public id and its secret, which nothing can show again. Raises InvalidArgument."""
        if not 1 <= len(name) <= 80 or not name.isprintable():
            raise InvalidArgument("name", name, "have 1 to 80 printable characters")
        public_id, secret = f"key_{secrets.token_hex(8)}", SECRET_PREFIX + secrets.token_urlsafe(32)
        row = {
            "public_id": public_id,
            "name": name,
            "digest": digest(secret),
            "created_at": int(time.time()),
            "limits": asdict(limits or Limits()),
        }
        with self.writing() as connection:
            connection.execute(keys.insert().values(row))
        return public_id, secret

    def check_key(self, secret: str) -> Key | None:
        """Return the key that a secret opens; None for an unknown or revoked one."""
        found = sa.select(keys).where(keys.c.digest == digest(secret), keys.c.revoked_at.is_(None))
        with self.reading() as connection:
            row = connection.execute(found).mappings().first()
        return _key(row) if row else None

    def has_keys(self) -> bool:
        """Tell whether any key was ever made: then every call needs one, even when all are revoked."""
        with self.reading() as connection:
            return connection.execute(sa.select(keys.c.public_id).limit(1)).first() is not None

    def list_keys(self) -> list[Key]:
        """Return all keys, the oldest first."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(keys).order_by(keys.c.created_at, keys.c.public_id)).mappings().all()
        return [_key(row) for row in rows]

    def revoke_key(self, public_id: str) -> bool:
        """Close a key for good; False if it was closed already. Raises InvalidArgument for an unknown one."""
        change = keys.update().where(keys.c.public_id == public_id, keys.c.revoked_at.is_(None))
        with self.writing() as connection:
            known = list(connection.execute(sa.select(keys.c.public_id)).scalars())
            if public_id not in known:
                raise InvalidArgument("key", public_id, "be the id of a key", nearest_name(public_id, known))
            return connection.execute(change.values(revoked_at=int(time.time()))).rowcount == 1


def _key(row: Any) -> Key:
    return Key(row["public_id"], row["name"], row["created_at"], row["revoked_at"], Limits(**row["limits"]))
