from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0026_parked_by_campus')]

    initial = False

    operations = [
        # The grades of a course or an activity, a page at a time. Not a column of it changes with a grade.
        ops.AddIndex(
            model_name='GradedAssignment',
            index=Index(fields=['course_id', 'usage_id', 'id']),
        ),
    ]
