from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0020_left_cells')]

    initial = False

    operations = [
        ops.AddField(
            model_name='LtiConsumer',
            name='corrected_at',
            field=fields.BigIntField(db_default=0),
        ),
        # Links whose line item is to be found or made; the words are those of models.line_item.
        ops.RunSQL(
            """CREATE INDEX outcome_service_wanted ON outcome_service (look_at)
            WHERE wanted_for IS NOT NULL AND found_id IS NULL""",
            "DROP INDEX outcome_service_wanted",
        ),
    ]
