from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0006_streams_have_tokens')]

    initial = False

    operations = [
        ops.AddField(
            model_name='GradedAssignment',
            name='address_refusals',
            field=fields.IntField(db_default=0),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='returns_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='accepted_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='refused_at',
            field=fields.BigIntField(null=True),
        ),
        # Rows that are parked for their address's sake, by campus; the words are those of models.address.
        ops.RunSQL(
            """CREATE INDEX graded_assignment_returning ON graded_assignment (campus_id, parked_scope, outcome_service_id)
            WHERE returns_at IS NOT NULL""",
            "DROP INDEX graded_assignment_returning",
        ),
        ops.RunSQL(
            "CREATE INDEX outcome_service_campus ON outcome_service (campus_id)", "DROP INDEX outcome_service_campus"
        ),
    ]
