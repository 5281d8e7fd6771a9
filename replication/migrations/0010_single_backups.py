"""Let a replication be about one backup, and several of these wait for each other.

Every row so far is about a whole vault, and at most one of a vault and region was active, so all of them fit.
"""

from django.db import migrations, models

_ACTIVE = ["requested", "running", "submitting", "unconfirmed"]
_UNDER_WAY = ["running", "submitting", "unconfirmed"]


class Migration(migrations.Migration):
    dependencies = [("replication", "0009_logbook_and_capacity")]

    operations = [
        migrations.AddField(
            model_name="replication",
            name="backup_id",
            field=models.CharField(blank=True, default="", max_length=64, verbose_name="backup ID"),
        ),
        migrations.AddField(
            model_name="replication",
            name="backup_name",
            field=models.CharField(blank=True, default="", max_length=255, verbose_name="backup"),
        ),
        migrations.AddField(
            model_name="replication",
            name="replica_name",
            field=models.CharField(blank=True, default="", max_length=64, verbose_name="name of the replica"),
        ),
        migrations.AddField(
            model_name="replication",
            name="replica_description",
            field=models.CharField(
                blank=True, default="", max_length=255, verbose_name="description of the replica"
            ),
        ),
        migrations.AddConstraint(
            model_name="replication",
            constraint=models.UniqueConstraint(
                condition=models.Q(status__in=_UNDER_WAY),
                fields=("source_vault", "destination_region"),
                name="one_replication_under_way_per_vault_and_region",
            ),
        ),
        migrations.AddConstraint(
            model_name="replication",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", _ACTIVE), ~models.Q(backup_id="")),
                fields=("source_vault", "destination_region", "backup_id"),
                name="one_active_replication_per_backup_and_region",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="replication", name="one_active_replication_per_vault_and_region"
        ),
        migrations.AddConstraint(
            model_name="replication",
            constraint=models.UniqueConstraint(
                condition=models.Q(status__in=_ACTIVE, backup_id=""),
                fields=("source_vault", "destination_region"),
                name="one_active_replication_per_vault_and_region",
            ),
        ),
    ]
