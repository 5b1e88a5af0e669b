from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint

class Migration(migrations.Migration):
    dependencies = [('models', '0016_quarantine_by_course')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ToolKey',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kid', fields.CharField(unique=True, max_length=64)),
                ('private_pem', fields.TextField(unique=False)),
                ('created_at', fields.BigIntField()),
                ('signs_from', fields.BigIntField()),
                ('withdrawn_at', fields.BigIntField(null=True)),
            ],
            options={'table': 'tool_key', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Keys with which the tool signs'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Campus',
            name='clock_offset',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='changed_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='omitted',
            field=fields.CharField(db_default='', max_length=64),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='ordered_version',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='overtaken',
            field=fields.IntField(db_default=0),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='stamp',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='stamped_version',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='client_id',
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='deployment_id',
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='issuer',
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='product',
            field=fields.CharField(null=True, max_length=16),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='signing_kid',
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='token_audience',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='token_url',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddConstraint(
            model_name='LtiConsumer',
            constraint=UniqueConstraint(fields=('issuer', 'client_id'), name=None),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='creator_token',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='creator_until',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='deployment_id',
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='look_at',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='look_error',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='look_failures',
            field=fields.IntField(db_default=0),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='offered',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='OutcomeService',
            name='wanted_for',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='Score',
            name='cleared',
            field=fields.BooleanField(db_default=False),
        ),
    ]
