from tortoise import migrations
from tortoise.migrations import operations as ops

class Migration(migrations.Migration):
    dependencies = [('models', '0028_ungraded_records')]

    initial = False

    operations = [
        # The grades that wait for a structure or a line item: mostly none.
        ops.RunSQL(
            """CREATE INDEX graded_assignment_waiting ON graded_assignment (course_id)
            WHERE waiting_since IS NOT NULL""",
            "DROP INDEX graded_assignment_waiting",
        ),
    ]
