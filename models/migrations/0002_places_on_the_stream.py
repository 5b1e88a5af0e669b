from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0001_initial')]

    initial = False

    operations = [
        ops.AddField(
            model_name='GradedAssignment',
            name='registered_place',
            field=fields.CharField(db_default='', max_length=41),
        ),
        ops.AddField(
            model_name='RetiredUser',
            name='place',
            field=fields.CharField(db_default='', max_length=41),
        ),
        ops.AddField(
            model_name='Score',
            name='place',
            field=fields.CharField(db_default='', max_length=41),
        ),
    ]
