"""Keep filters of lists under names, and how each person wants a list."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("replication", "0003_preferences"),
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
                    ("view.saved", "View saved"),
                    ("view.deleted", "View deleted"),
                ],
                db_index=True,
                max_length=64,
                verbose_name="action",
            ),
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("table", models.CharField(max_length=32, verbose_name="list")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("query", models.CharField(blank=True, max_length=2000, verbose_name="filter")),
                ("is_shared", models.BooleanField(default=False, verbose_name="shared with everybody")),
                ("changed_at", models.DateTimeField(verbose_name="changed")),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
            },
        ),
        migrations.CreateModel(
            name="TablePreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=32, verbose_name="list")),
                ("columns", models.CharField(blank=True, max_length=500, verbose_name="columns")),
                ("delimiter", models.CharField(blank=True, max_length=16, verbose_name="delimiter")),
                (
                    "default_view",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="replication.savedview",
                        verbose_name="default view",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "preference for a list",
                "verbose_name_plural": "preferences for lists",
            },
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                fields=("owner", "table", "name"), name="view_name_once_per_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="tablepreference",
            constraint=models.UniqueConstraint(
                fields=("user", "table"), name="preference_once_per_person_and_list"
            ),
        ),
    ]
