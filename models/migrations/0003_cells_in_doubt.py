from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0002_places_on_the_stream')]

    initial = False

    operations = [
        ops.AlterField(
            model_name='OrphanedClaim',
            name='campus',
            field=fields.ForeignKeyField('models.Campus', source_field='campus_id', null=True, db_constraint=True, to_field='id', related_name='orphaned_claims', on_delete=OnDelete.SET_NULL),
        ),
        ops.AddField(
            model_name='OrphanedClaim',
            name='consumer_key',
            field=fields.CharField(db_default='', max_length=32),
        ),
        ops.AddField(
            model_name='OrphanedClaim',
            name='in_doubt_until',
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name='OrphanedClaim',
            name='origin',
            field=fields.CharField(db_default='', max_length=300),
        ),
        ops.AddField(
            model_name='OrphanedClaim',
            name='sourcedid_digest',
            field=fields.CharField(db_default='', max_length=64),
        ),
        ops.AddField(
            model_name='OrphanedClaim',
            name='url_digest',
            field=fields.CharField(db_default='', max_length=64),
        ),
        ops.AddIndex(
            model_name='OrphanedClaim',
            index=Index(fields=['consumer_key', 'origin']),
        ),
        ops.AddIndex(
            model_name='OrphanedClaim',
            index=Index(fields=['sourcedid_digest']),
        ),
    ]
