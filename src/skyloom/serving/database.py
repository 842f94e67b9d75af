"""A database opened, brought up to date, written in transactions.

SQLite (the default): write-ahead log, every commit on the disk before it is answered, one writer at a time. Postgres
by URL, for several machines. Both have the same tables, made by the same migrations.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection

from skyloom.errors import InvalidArgument, MissingDependency, StorageError
from skyloom.serving.schema import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
MIGRATION_LOCK = 0x5759_4C4F_4F4D
"""Any number that nothing else in the database locks."""


class Database:
    """Connections to one store. `lifetime`: seconds that finished files are kept, None for ever."""

    def __init__(self, engine: Engine, lifetime: float | None = None) -> None:
        self.engine, self.lifetime = engine, lifetime
        self.sqlite = engine.dialect.name == "sqlite"

    @classmethod
    def open(cls, url: str | Path, lifetime: float | None = None) -> Self:
        """Open a store by URL, or by the path of an SQLite file, and migrate it.

        Raises StorageError where it cannot be opened or is newer than this program; InvalidArgument for another URL.
        """
        database = cls(_engine(str(url)), lifetime)
        with database._errors():
            if database.sqlite:
                _use_write_ahead_log(database.engine)
            database._migrate()
        return database

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that writes nothing. Raises StorageError."""
        with self._errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that writes: SQLite's one writer from its first moment. Raises StorageError."""
        with self._errors(), self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def now(self) -> sa.ColumnElement[float]:
        """Return the time as the database tells it: workers on several machines share one clock."""
        if self.sqlite:
            return sa.literal(time.time())
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Turn a full disk or a database that is away into StorageError; bugs stay what they are."""
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise
        except DBAPIError as error:
            raise StorageError(f"the store does not answer: {error.orig}") from error
        except NoConnection as error:
            raise StorageError("the store does not answer: all connections to it are waiting") from error

    def _migrate(self) -> None:
        with self.reading() as connection:
            if _version(connection) == HEAD:
                return
        with self.writing() as connection:
            if not self.sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            found = _version(connection)
            if found is not None and found > HEAD:
                raise StorageError(f"the store has version {found}, this program knows {HEAD}; update the program")
            upgrade(connection)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision, within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _version(connection: Connection) -> str | None:
    """Return the store's migration, None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _engine(url: str) -> Engine:
    """Return an engine for a URL or an SQLite file."""
    if "://" not in url:
        url = f"sqlite:///{Path(url).absolute()}"
    scheme, _, rest = url.partition("://")
    family = scheme.partition("+")[0]
    if family == "sqlite":
        return _sqlite(url)
    if family in ("postgres", "postgresql"):
        try:
            return sa.create_engine(f"postgresql+psycopg://{rest}", pool_pre_ping=True, pool_size=8, max_overflow=24)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise MissingDependency("psycopg[binary]", "a store on Postgres") from error
    raise InvalidArgument("store", url, "be a path, sqlite:///PATH or postgresql://USER@HOST/NAME", "sqlite:///...")


def _sqlite(url: str) -> Engine:
    """Return an engine whose transactions begin when we say so, writers waiting for each other."""
    path = sa.engine.make_url(url).database
    if not path or path == ":memory:":
        raise InvalidArgument("store", url, "name a file: several processes share it", "sqlite:///skyloom.db")
    Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=24)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_write_ahead_log(engine: Engine) -> None:
    """Set the file's journal once; another process may be doing the same."""
    connection = sqlite3.connect(str(engine.url.database), timeout=BUSY_SECONDS)
    try:
        for left in range(100, -1, -1):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not left or "locked" not in str(error):
                    raise
                time.sleep(0.05)
    except sqlite3.DatabaseError as error:
        raise StorageError(f"the store cannot be opened: {error}") from error
    finally:
        connection.close()
