from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0021_corrected_and_wanted')]

    initial = False

    operations = [
        ops.AddField(
            model_name='OutcomeService',
            name='offered_us',
            field=fields.BigIntField(db_default=0),
        ),
    ]
