from tortoise import migrations
from tortoise.migrations import operations as ops

class Migration(migrations.Migration):
    dependencies = [('models', '0029_waiting_by_course')]

    initial = False

    operations = [
        # 0027 has its successor. In one transaction with it, the stronger lock that this takes made a deadlock with
        # daemons that wait for the weaker one.
        ops.RemoveIndex(
            model_name='GradedAssignment',
            fields=['course_id', 'usage_id'],
        ),
    ]
