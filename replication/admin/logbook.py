"""What the cloud said once and we keep: its operation logs, the origins of replicas, and how full vaults were."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from replication.models import OperationLog, ReplicaOrigin, VaultDay

from .inventory import ProjectFilter
from .reading import AuditAdmin


@admin.register(OperationLog)
class OperationLogAdmin(AuditAdmin):
    """Every operation log that was ever read, also those that the cloud no longer shows."""

    list_display = (
        *("created_at", "operation_type", "status", "vault_name", "resource_name", "backup_name"),
        *("policy_id", "error_code", "kept_at"),
    )
    list_filter = (
        *("operation_type", "status", ("project", ProjectFilter)),
        *(("policy_id", admin.EmptyFieldListFilter), ("error_code", admin.EmptyFieldListFilter)),
    )
    list_select_related = ("project__region",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    search_fields = (
        *("^id", "operation_log_id__exact", "vault_id__exact", "backup_id__exact", "resource_id__exact"),
        *("destination_backup_id__exact", "cloud_request_id__exact", "policy_id__exact"),
        *("vault_name", "resource_name", "error_code"),
    )
    search_help_text = _("IDs of ours or of the cloud, request IDs, names of vaults and servers, error codes")
    readonly_fields = ("id",)


@admin.register(ReplicaOrigin)
class ReplicaOriginAdmin(AuditAdmin):
    """Which backup each replica was made from, where the cloud has named it."""

    list_display = ("replica_id", "source_backup_id", "source_vault_id", "is_automatic", "told_by", "told_at")
    list_filter = ("is_automatic", "told_by")
    date_hierarchy = "told_at"
    ordering = ("-told_at", "-id")
    search_fields = ("^id", "replica_id__exact", "source_backup_id__exact", "source_vault_id__exact")
    search_help_text = _("IDs of the replica, of its source backup, of the source vault")
    readonly_fields = ("id",)


@admin.register(VaultDay)
class VaultDayAdmin(AuditAdmin):
    """How full each replication vault was on each day."""

    list_display = ("day", "vault", "used_mb", "size_gb", "read_at")
    list_filter = ("vault__project__region", ("vault__project", ProjectFilter))
    list_select_related = ("vault",)
    date_hierarchy = "day"
    ordering = ("-day", "-id")
    search_fields = ("vault__vault_id__exact", "vault__name")
    search_help_text = _("The vault's name or its ID in the cloud")
    readonly_fields = ("id",)
