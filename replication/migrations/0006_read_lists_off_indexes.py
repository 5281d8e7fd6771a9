"""Keep an index for each order and filter of the lists, so that a page costs the same however long the past is."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("replication", "0005_policies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="replication",
            name="replication_by_status",
        ),
        migrations.AddIndex(
            model_name="replication",
            index=models.Index(fields=["status", "-requested_at", "-id"], name="replication_by_status"),
        ),
        migrations.AddIndex(
            model_name="replication",
            index=models.Index(fields=["source_vault", "-requested_at", "-id"], name="replication_by_source"),
        ),
        migrations.AddIndex(
            model_name="replication",
            index=models.Index(
                fields=["destination", "-requested_at", "-id"], name="replication_by_destination"
            ),
        ),
        migrations.AddIndex(
            model_name="replication",
            index=models.Index(fields=["actor", "-requested_at", "-id"], name="replication_by_actor"),
        ),
        migrations.AddIndex(
            model_name="replication",
            index=models.Index(
                fields=["destination_region", "-requested_at", "-id"], name="replication_by_region"
            ),
        ),
        migrations.AddIndex(
            model_name="replication",
            index=models.Index(fields=["-changed_at", "-id"], name="replication_by_change"),
        ),
        migrations.AddIndex(
            model_name="replicationrecord",
            index=models.Index(fields=["replication_record_id"], name="record_by_cloud_id"),
        ),
        migrations.AddIndex(
            model_name="replicationrecord",
            index=models.Index(fields=["destination_backup_id"], name="record_by_replica"),
        ),
        migrations.AddIndex(
            model_name="replicationrecord",
            index=models.Index(fields=["arrived_at"], name="record_by_arrival"),
        ),
    ]
