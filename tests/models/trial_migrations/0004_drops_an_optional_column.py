"""A bad step: the release before would no longer find what it has stored."""  # noqa: N999

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]  # noqa: RUF012
    operations = [ops.RunSQL("ALTER TABLE graded_assignment DROP COLUMN context_title", "SELECT 1")]  # noqa: RUF012
