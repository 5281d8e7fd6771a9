"""What the cloud says once and then forgets: its operation logs, and which backup a replica was made from.

Kept for good. The cloud shows its logs for about thirty days, and a replication record goes with its source backup.
"""

import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from .inventory import Project
from .replication import Evidence


class OperationLogQuerySet(models.QuerySet["OperationLog"]):
    """Operation logs, by what they are about."""

    def replications(self) -> Self:
        """Logs of replications; "copy" is their name in older logs."""
        return self.filter(operation_type__in=OperationLog.REPLICATIONS)

    def newest_first(self) -> Self:
        """In the order of the lists; those without a time last."""
        return self.order_by(models.F("created_at").desc(nulls_last=True), "id")


class OperationLog(models.Model):
    """One operation that the cloud has logged, as it last told it. API: ListOpLogs, operation_logs[]."""

    #: API: operation_logs[].operation_type.
    REPLICATIONS = ("replication", "copy")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: The project whose log it stands in.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="operation_logs", verbose_name=_("project")
    )
    operation_log_id = models.CharField(_("operation log ID"), max_length=64)
    #: The cloud's words.
    operation_type = models.CharField(_("operation"), max_length=64)
    status = models.CharField(_("status"), max_length=64)
    #: The vault that the resource is associated with; in a replication the source vault.
    vault_id = models.CharField(_("vault ID"), max_length=64, blank=True)
    vault_name = models.CharField(_("vault"), max_length=255, blank=True)
    #: Set when a policy started it.
    policy_id = models.CharField(_("policy ID"), max_length=64, blank=True)
    provider_id = models.CharField(_("provider ID"), max_length=64, blank=True)
    checkpoint_id = models.CharField(_("checkpoint ID"), max_length=64, blank=True)
    resource_id = models.CharField(_("resource ID"), max_length=64, blank=True)
    resource_name = models.CharField(_("resource"), max_length=255, blank=True)
    #: In a replication the source backup.
    backup_id = models.CharField(_("backup ID"), max_length=64, blank=True)
    backup_name = models.CharField(_("backup"), max_length=255, blank=True)
    # Empty where the cloud does not tell: extra_info.replication is documented by the sibling Huawei cloud only.
    destination_region = models.CharField(_("destination region"), max_length=255, blank=True)
    destination_project_id = models.CharField(_("destination project ID"), max_length=64, blank=True)
    destination_backup_id = models.CharField(_("replica ID"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), null=True)
    started_at = models.DateTimeField(_("begun"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    updated_at = models.DateTimeField(_("updated"), null=True)
    #: 0-100 as the cloud says; null when it has not said.
    progress_percent = models.PositiveSmallIntegerField(_("progress (%)"), null=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_message = models.TextField(_("error"), blank=True)
    #: API: extra_info.common.request_id, the call that started it.
    cloud_request_id = models.CharField(_("cloud request ID"), max_length=255, blank=True)
    #: When it was first read here.
    kept_at = models.DateTimeField(_("kept since"))
    #: When what stands here was asked for; whoever asked earlier never overwrites it.
    read_at = models.DateTimeField(_("read"))

    objects = OperationLogQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation log")
        verbose_name_plural = _("operation logs")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "operation_log_id"], name="operation_log_once_per_project"
            )
        ]
        indexes = [
            models.Index(fields=["project", "vault_id", "-created_at"], name="operation_log_of_vault"),
            models.Index(fields=["-created_at"], name="operation_log_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.operation_type} {self.operation_log_id}"


class ReplicaOrigin(models.Model):
    """Which backup a replica was made from, as the cloud named it once.

    Stays when the source backup has expired and its replication records with it. Open Telekom Cloud's reference has no
    field for it; where the cloud does not tell, there are no such rows.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: Id of the replica.
    replica_id = models.CharField(_("replica ID"), max_length=64, unique=True)
    source_vault_id = models.CharField(_("source vault ID"), max_length=64, db_index=True)
    source_backup_id = models.CharField(_("source backup ID"), max_length=64)
    #: Whether a policy started the replication. Null: the cloud does not tell.
    #: API: replication_records[].extra_info.auto_trigger, operation_logs[].policy_id.
    is_automatic = models.BooleanField(_("started by a policy"), null=True)
    told_by = models.CharField(_("read from"), max_length=32, choices=Evidence.choices)
    told_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("origin of a replica")
        verbose_name_plural = _("origins of replicas")

    def __str__(self) -> str:
        return f"{self.source_backup_id} -> {self.replica_id}"
