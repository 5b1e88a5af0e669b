"""A good step: the release before need not know of it."""  # noqa: N999

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]  # noqa: RUF012
    operations = [ops.RunSQL("ALTER TABLE score ADD COLUMN weight BIGINT", "ALTER TABLE score DROP COLUMN weight")]  # noqa: RUF012
