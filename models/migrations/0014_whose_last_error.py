from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0013_learners_part')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Campus',
            name='last_error_of',
            field=fields.BigIntField(null=True),
        ),
    ]
