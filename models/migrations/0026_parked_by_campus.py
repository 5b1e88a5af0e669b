from tortoise import migrations
from tortoise.migrations import operations as ops

class Migration(migrations.Migration):
    dependencies = [('models', '0025_web_users')]

    initial = False

    operations = [
        # Parked rows, by campus and course: few among many.
        ops.RunSQL(
            """CREATE INDEX graded_assignment_parked ON graded_assignment (campus_id, course_id)
            WHERE parked_at IS NOT NULL""",
            "DROP INDEX graded_assignment_parked",
        ),
    ]
