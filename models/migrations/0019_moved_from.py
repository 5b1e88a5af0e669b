from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0018_found_line_items')]

    initial = False

    operations = [
        ops.AddField(
            model_name='GradedAssignment',
            name='moved_from_key',
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name='GradedAssignment',
            name='moved_from_link_id',
            field=fields.TextField(null=True, unique=False),
        ),
    ]
