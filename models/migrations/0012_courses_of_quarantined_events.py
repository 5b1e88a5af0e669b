from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0011_shown_scores')]

    initial = False

    operations = [
        ops.AddField(
            model_name='QuarantinedEvent',
            name='course_id',
            field=fields.CharField(null=True, max_length=255),
        ),
    ]
