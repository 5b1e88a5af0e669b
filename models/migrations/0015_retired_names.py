from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0014_whose_last_error')]

    initial = False

    operations = [
        ops.CreateModel(
            name='RetiredName',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('retired_us', fields.BigIntField()),
                ('place', fields.CharField(db_default='', max_length=41)),
            ],
            options={'table': 'retired_name', 'app': 'models', 'pk_attr': 'id', 'table_description': "Campuses' names of learners who must stay forgotten"},
            bases=['Model'],
        ),
    ]
