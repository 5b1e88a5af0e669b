from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0008_keys_used')]

    initial = False

    operations = [
        ops.AlterField(
            model_name='OrphanedClaim',
            name='consumer_key',
            field=fields.CharField(db_default='', max_length=255),
        ),
        ops.AlterField(
            model_name='LtiConsumer',
            name='consumer_key',
            field=fields.CharField(unique=True, max_length=255),
        ),
        ops.AlterField(
            model_name='QuarantinedEvent',
            name='consumer_key',
            field=fields.CharField(null=True, db_index=True, max_length=255),
        ),
    ]
