"""Give replications that were asked for at once a row of their own."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("replication", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("replication.requested", "Requested"),
                    ("batch.requested", "Several requested at once"),
                    ("replication.submitting", "Sending to the cloud"),
                    ("replication.not_delivered", "Not delivered, will be sent again"),
                    ("replication.accepted", "Accepted by the cloud"),
                    ("replication.rejected", "Refused by the cloud"),
                    ("replication.unconfirmed", "Outcome unclear"),
                    ("replication.adopted", "Found in the cloud and taken over"),
                    ("replication.late_answer", "Late answer kept as evidence"),
                    ("replication.rearmed", "Sent again by a person"),
                    ("replication.adoption_allowed", "Taking over allowed by a person"),
                    ("replication.cancelled", "Withdrawn"),
                    ("replication.finished", "Finished"),
                    ("replication.arrived", "All replicas seen in the destination vault"),
                    ("replication.foreign", "Started elsewhere, found in the cloud"),
                    ("inventory.refresh_requested", "Inventory refresh requested"),
                    ("audit.exported", "Exported"),
                ],
                db_index=True,
                max_length=64,
                verbose_name="action",
            ),
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key", models.UUIDField(unique=True, verbose_name="form key")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("created_at", models.DateTimeField(db_index=True, verbose_name="requested")),
                ("left_out", models.JSONField(blank=True, default=list, verbose_name="left out")),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
                (
                    "retry_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="retries",
                        to="replication.replication",
                        verbose_name="tries again",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch",
                "verbose_name_plural": "batches",
            },
        ),
        migrations.AddField(
            model_name="replication",
            name="batch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replications",
                to="replication.batch",
                verbose_name="batch",
            ),
        ),
    ]
