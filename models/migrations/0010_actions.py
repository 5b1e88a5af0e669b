from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0009_long_consumer_keys')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Action',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('at', fields.BigIntField(db_index=True)),
                ('account', fields.CharField(max_length=255)),
                ('host', fields.CharField(max_length=255)),
                ('command', fields.CharField(max_length=255)),
                ('selection', fields.TextField(unique=False)),
                ('counts', fields.TextField(unique=False)),
                ('user_id', fields.CharField(null=True, db_index=True, max_length=255)),
            ],
            options={'table': 'action', 'app': 'models', 'pk_attr': 'id', 'table_description': 'What operators did'},
            bases=['Model'],
        ),
    ]
