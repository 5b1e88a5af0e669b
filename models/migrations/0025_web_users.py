from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0024_points_since')]

    initial = False

    operations = [
        ops.CreateModel(
            name='WebUser',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=64)),
                ('role', fields.CharField(max_length=16)),
                ('password_hash', fields.CharField(max_length=255)),
                ('session_key', fields.CharField(max_length=64)),
                ('created_at', fields.BigIntField()),
            ],
            options={'table': 'web_user', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Who may open the pages'},
            bases=['Model'],
        ),
    ]
