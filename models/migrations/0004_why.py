from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0003_gates')]

    initial = False

    operations = [
        ops.CreateModel(
            name='StaleEvent',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.CharField(max_length=255)),
                ('course_key', fields.CharField(max_length=255)),
                ('usage_key', fields.CharField(max_length=255)),
                ('type', fields.CharField(max_length=64)),
                ('number', fields.BigIntField(default=1)),
                ('entry_id', fields.CharField(max_length=48)),
                ('modified_us', fields.BigIntField()),
                ('at', fields.BigIntField()),
            ],
            options={'table': 'stale_event', 'app': 'models', 'unique_together': (('user_id', 'course_key', 'usage_key', 'type'),), 'indexes': [Index(fields=['at'])], 'pk_attr': 'id', 'table_description': 'Events that were older than what was known'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Delivery',
            name='entry_id',
            field=fields.CharField(null=True, max_length=48),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='entry_id',
            field=fields.CharField(null=True, max_length=48),
        ),
        ops.AddIndex(
            model_name='GradedAssignment',
            index=Index(fields=['sourcedid_digest']),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='last_error',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='last_error_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='QuarantinedEvent',
            name='consumer_key',
            field=fields.CharField(null=True, db_index=True, max_length=32),
        ),
        ops.AddField(
            model_name='QuarantinedEvent',
            name='truncated',
            field=fields.BooleanField(db_default=False),
        ),
        # They were cut without a mark, and not escaped: they are read from the stream again, or refused.
        ops.RunSQL("UPDATE quarantined_event SET truncated = (1 = 1)", "SELECT 1"),
        # By its beginning: what a campus calls a learner may be longer than an index takes. The words are those of
        # models.queries.grades.
        ops.RunSQL(
            "CREATE INDEX graded_assignment_lti_user ON graded_assignment (substr(lti_user_id, 1, 200))",
            "DROP INDEX graded_assignment_lti_user",
        ),
    ]
