"""The index of the sweep: dirty rows in the race, by when they are due. The words are those of models.assignment."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    operations = [
        ops.RunSQL(
            "CREATE INDEX graded_assignment_dirty ON graded_assignment (due_at) "
            "WHERE version_number > sent_version AND parked_at IS NULL AND disabled_at IS NULL "
            "AND waiting_since IS NULL",
            "DROP INDEX graded_assignment_dirty",
        ),
    ]
