from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0007_refused_addresses')]

    initial = False

    operations = [
        ops.CreateModel(
            name='KeysUsed',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('used', fields.BooleanField()),
            ],
            options={'table': 'keys_used', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Whether secrets must be encrypted'},
            bases=['Model'],
        ),
    ]
