"""A bad step: the release before can write no score any more."""  # noqa: N999

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]  # noqa: RUF012
    operations = [ops.RunSQL("ALTER TABLE score RENAME COLUMN points_possible TO possible", "SELECT 1")]  # noqa: RUF012
