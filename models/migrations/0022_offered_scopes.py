from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0021_corrected_and_wanted')]

    initial = False

    operations = [
        ops.AddField(
            model_name='OutcomeService',
            name='offered_us',
            field=fields.BigIntField(db_default=0),
        ),
        # Grades whose launch offered no scope for scores; the words are those of models.unoffered.
        ops.RunSQL(
            """CREATE INDEX graded_assignment_unoffered ON graded_assignment (outcome_service_id) WHERE parked_reason =
            'the launch did not offer the scope https://purl.imsglobal.org/spec/lti-ags/scope/score'""",
            "DROP INDEX graded_assignment_unoffered",
        ),
    ]
