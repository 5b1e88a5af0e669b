"""A bad step: it only works on an empty table."""  # noqa: N999

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]  # noqa: RUF012
    operations = [ops.RunSQL("ALTER TABLE score ADD COLUMN weight BIGINT NOT NULL", "SELECT 1")]  # noqa: RUF012
