"""The SQL of pending migrations, without running it."""

from collections.abc import Collection, Sequence

from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.migration import Migration
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor, SqliteSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps


async def collect_sql(executor: MigrationExecutor, known: Sequence[str], pending: Collection[str]) -> list[str]:
    """
    The statements of the *pending* migrations among the *known* ones, which are all of this release, in order.

    As :meth:`MigrationExecutor.collect_sql` of each, which builds the schema before it anew each time.
    """
    await executor.loader.build_graph()
    client = executor.connection
    editor_of = SqliteSchemaEditor if client.capabilities.dialect == "sqlite" else AsyncpgSchemaEditor
    editor = editor_of(client, atomic=False, collect_sql=True)
    state = State(models={}, apps=StateApps(default_connections={"models": client.connection_name}))
    for name in known:
        migration = executor.loader.graph.nodes[MigrationKey("models", name)]
        assert isinstance(migration, Migration)  # noqa: S101 - a file of this release
        if name in pending:
            await migration.apply(state, schema_editor=editor, collect_sql=True)
        else:
            await migration.apply(state, dry_run=True)
    return editor.collected_sql
