"""Brings the schema up to this program's version, and refuses a database that a newer program wrote.

Migrations are Alembic's, in `migrations/versions`, one linear line; they run inside one transaction, so that a failed
upgrade leaves the database as it was. On PostgreSQL nodes that start together wait for each other.
"""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from dialer.errors import SchemaVersionError
from dialer.storage.tables import metadata

MIGRATION_LOCK = 0x6469616C  # "dial": the advisory lock of upgrading nodes


@cache
def scripts() -> ScriptDirectory:
    """The migrations, read from disk once; call it first from a thread, it blocks."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    directory = ScriptDirectory.from_config(config)
    for _revision in directory.walk_revisions():
        pass  # loads them all
    return directory


def upgrade(connection: Connection, where: str) -> None:
    """Upgrades an older or empty schema within the connection's transaction.

    Raises:
        SchemaVersionError: the schema is newer than this program, or not of this program; nothing was changed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    current = MigrationContext.configure(connection).get_current_heads()
    directory = scripts()
    known = {script.revision for script in directory.walk_revisions()}
    unknown = [revision for revision in current if revision not in known]
    head = directory.get_current_head() or ""
    if unknown:
        raise SchemaVersionError(
            f"{where}: the database has schema version {unknown[0]}, this program knows versions up to {head}; "
            "start the newer program that wrote it, or restore a backup made before the upgrade. Nothing was changed."
        )
    if current != (head,):
        _run(connection, directory, head)


def _run(connection: Connection, directory: ScriptDirectory, head: str) -> None:
    def steps(revision: object, _context: MigrationContext) -> object:
        return directory._upgrade_revs(head, revision)  # type: ignore[arg-type]  # noqa: SLF001  what alembic.command.upgrade calls

    with EnvironmentContext(Config(), directory, fn=steps, destination_rev=head) as environment:
        environment.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False
        )
        environment.run_migrations()
