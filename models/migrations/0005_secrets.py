from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0004_why')]

    initial = False

    operations = [
        ops.AddField(
            model_name='LtiConsumer',
            name='pending_secret',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='pending_turn',
            field=fields.BooleanField(db_default=False),
        ),
    ]
