from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0022_offered_scopes')]

    initial = False

    operations = [
        ops.CreateModel(
            name='LearnerStructure',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.CharField(max_length=255)),
                ('course_id', fields.CharField(max_length=255)),
                ('version', fields.BigIntField()),
                ('modified_us', fields.BigIntField()),
                ('digest', fields.CharField(max_length=64)),
                ('blocks', fields.TextField(unique=False)),
                ('size', fields.IntField()),
            ],
            options={'table': 'learner_structure', 'app': 'models', 'unique_together': (('user_id', 'course_id'),), 'pk_attr': 'id', 'table_description': 'Trees of single learners'},
            bases=['Model'],
        ),
    ]
