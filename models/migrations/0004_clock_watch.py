from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0003_cells_in_doubt')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ClockWatch',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('seen_at', fields.BigIntField()),
                ('steps', fields.BigIntField(db_default=0)),
            ],
            options={'table': 'clock_watch', 'app': 'models', 'pk_attr': 'id', 'table_description': "The database's clock as it was seen last"},
            bases=['Model'],
        ),
    ]
