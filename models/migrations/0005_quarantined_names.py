from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0004_clock_watch')]

    initial = False

    operations = [
        ops.AddField(
            model_name='QuarantinedEvent',
            name='lti_user_id',
            field=fields.CharField(null=True, db_index=True, max_length=255),
        ),
    ]
