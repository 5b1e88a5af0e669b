from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0012_courses_of_quarantined_events')]

    initial = False

    operations = [
        ops.AddField(
            model_name='GradedAssignment',
            name='learner_version',
            field=fields.BigIntField(db_default=0),
        ),
    ]
