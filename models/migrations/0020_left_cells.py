from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0019_moved_from')]

    initial = False

    operations = [
        ops.CreateModel(
            name='LeftCell',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('digest', fields.CharField(unique=True, max_length=64)),
            ],
            options={'table': 'left_cell', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Learners in line items to whom scores were sent by assignments that are gone'},
            bases=['Model'],
        ),
    ]
