from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0017_lti13')]

    initial = False

    operations = [
        ops.AddField(
            model_name='OutcomeService',
            name='found_id',
            field=fields.BigIntField(null=True),
        ),
    ]
