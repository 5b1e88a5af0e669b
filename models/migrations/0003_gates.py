from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0002_dirty_rows')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Gate',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('lti_consumer', fields.ForeignKeyField('models.LtiConsumer', source_field='lti_consumer_id', db_constraint=True, to_field='id', related_name='gates', on_delete=OnDelete.CASCADE)),
                ('origin', fields.CharField(max_length=300)),
                ('shut_at', fields.BigIntField(null=True)),
                ('closed_until', fields.BigIntField(default=0)),
                ('failed_probes', fields.IntField(default=0)),
                ('probed_at', fields.BigIntField(default=0)),
                ('probe_until', fields.BigIntField(null=True)),
                ('reason', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'gate', 'app': 'models', 'unique_together': (('lti_consumer', 'origin'),), 'pk_attr': 'id', 'table_description': 'Campuses that are in trouble'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='LiveDaemon',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('seen_at', fields.BigIntField()),
                ('roster', fields.TextField(unique=False)),
            ],
            options={'table': 'live_daemon', 'app': 'models', 'pk_attr': 'id', 'table_description': 'Daemons at work'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='LtiConsumer',
            name='paused_at',
            field=fields.BigIntField(null=True),
        ),
    ]
