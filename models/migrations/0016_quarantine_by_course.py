from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0015_retired_names')]

    initial = False

    operations = [
        ops.AddIndex(
            model_name='QuarantinedEvent',
            index=Index(fields=['course_id']),
        ),
        ops.AddIndex(
            model_name='QuarantinedEvent',
            index=Index(fields=['sourcedid_digest']),
        ),
        ops.AddIndex(
            model_name='QuarantinedEvent',
            index=Index(fields=['lti_user_id']),
        ),
    ]
