from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Widen(ops.AlterField):
    """
    Makes a text column longer on PostgreSQL.

    SQLite knows no lengths; and to alter a column Tortoise rebuilds the table there, which deletes what refers to it.
    """

    async def database_forward(self, *args: Any, **kwargs: Any) -> None:
        editor = kwargs.get("state_editor") or (args[3] if len(args) > 3 else None)
        if editor is not None and editor.client.capabilities.dialect == "postgres":
            await super().database_forward(*args, **kwargs)


class Migration(migrations.Migration):
    dependencies = [("models", "0008_keys_used")]

    initial = False

    operations = [
        Widen(
            model_name="OrphanedClaim",
            name="consumer_key",
            field=fields.CharField(db_default="", max_length=255),
        ),
        Widen(
            model_name="LtiConsumer",
            name="consumer_key",
            field=fields.CharField(unique=True, max_length=255),
        ),
        Widen(
            model_name="QuarantinedEvent",
            name="consumer_key",
            field=fields.CharField(null=True, db_index=True, max_length=255),
        ),
    ]
