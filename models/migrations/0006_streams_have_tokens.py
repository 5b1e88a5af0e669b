from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0005_quarantined_names')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Heartbeat',
            name='stream_token',
            field=fields.CharField(null=True, max_length=32),
        ),
        ops.AddField(
            model_name='Heartbeat',
            name='troubles',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='Intake',
            name='stream_token',
            field=fields.CharField(null=True, max_length=32),
        ),
    ]
