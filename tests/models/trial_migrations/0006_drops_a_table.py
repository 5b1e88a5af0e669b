"""A bad step: the release before needs the table."""  # noqa: N999

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]  # noqa: RUF012
    operations = [ops.RunSQL("DROP TABLE orphaned_claim", "SELECT 1")]  # noqa: RUF012
