from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0010_actions')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ShownScore',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('assignment', fields.OneToOneField('models.GradedAssignment', source_field='assignment_id', db_constraint=True, to_field='id', related_name='shown_score', on_delete=OnDelete.CASCADE)),
                ('outcome_service_id', fields.BigIntField()),
                ('sourcedid_digest', fields.CharField(max_length=64)),
                ('version', fields.BigIntField()),
                ('sent_score', fields.CharField(max_length=32)),
                ('shown', fields.CharField(max_length=64)),
            ],
            options={'table': 'shown_score', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Scores that campuses showed in place of those that they had acknowledged'},
            bases=['Model'],
        ),
    ]
