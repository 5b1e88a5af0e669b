from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0023_learners_own_trees')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Score',
            name='since_us',
            field=fields.BigIntField(null=True),
        ),
    ]
