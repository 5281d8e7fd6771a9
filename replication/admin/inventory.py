"""The mirror of the cloud's inventory, and who keeps it up to date."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest  # noqa: TID251  # the admin consists of pages
from django.utils.translation import gettext_lazy as _

from replication.models import Backup, CloudReading, Project, Region, Vault, WorkerBeat

from .reading import AuditAdmin


class ProjectFilter(admin.RelatedFieldListFilter):
    """The projects to choose from, read together with the regions that their names begin with."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:  # noqa: ARG002  # Django's signature
        """Return the id and name of each."""
        projects = Project.objects.select_related("region").order_by("region__name", "name")
        return [(project.pk, str(project)) for project in projects]


@admin.register(Vault)
class VaultAdmin(AuditAdmin):
    """The vaults of our inventory."""

    list_display = (
        *("name", "project", "protect_type", "object_type", "status", "size_gb", "used_mb"),
        *("seen_at", "vanished_at"),
    )
    list_filter = (
        *("protect_type", "object_type", "status", "project__region", ("project", ProjectFilter)),
        ("vanished_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("project__region",)
    date_hierarchy = "created_at"
    ordering = ("name", "id")
    search_fields = ("^id", "vault_id__exact", "project__project_id__exact", "name")
    search_help_text = _("IDs of ours or of the cloud, the vault's name")
    readonly_fields = ("id",)


@admin.register(Backup)
class BackupAdmin(AuditAdmin):
    """The backups of our inventory."""

    list_display = (
        "name",
        "resource_name",
        "vault",
        "status",
        "image_type",
        "resource_size_gb",
        "created_at",
        "vanished_at",
    )
    list_filter = (
        *("status", "image_type", "contain_system_disk", ("vault__project", ProjectFilter)),
        ("vanished_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("vault",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    search_fields = (
        "^id",
        "backup_id__exact",
        "vault__vault_id__exact",
        "resource_id__exact",
        "resource_name",
        "name",
    )
    search_help_text = _("IDs of ours or of the cloud, the server's or the backup's name")
    readonly_fields = ("id",)


@admin.register(Region)
class RegionAdmin(AuditAdmin):
    """The regions of our inventory."""

    list_display = ("name", "replication_destinations", "seen_at", "vanished_at")
    ordering = ("name",)
    search_fields = ("^id", "name")
    readonly_fields = ("id",)


@admin.register(Project)
class ProjectAdmin(AuditAdmin):
    """The projects of our inventory."""

    list_display = ("name", "region", "project_id", "cloud", "seen_at", "vanished_at")
    list_filter = ("region", ("vanished_at", admin.EmptyFieldListFilter))
    list_select_related = ("region",)
    ordering = ("name",)
    search_fields = ("^id", "project_id__exact", "name", "cloud")
    readonly_fields = ("id",)


@admin.register(CloudReading)
class CloudReadingAdmin(AuditAdmin):
    """When each cloud entry was last read, and how that went."""

    list_display = ("cloud", "project", "read_at", "refresh_after", "error", "answers_records")
    list_filter = ("answers_records", ("error", admin.EmptyFieldListFilter))
    list_select_related = ("project__region",)
    ordering = ("cloud",)
    search_fields = ("cloud", "error")


@admin.register(WorkerBeat)
class WorkerBeatAdmin(AuditAdmin):
    """When each worker last gave a sign of life."""

    list_display = ("worker_id", "started_at", "seen_at")
    date_hierarchy = "seen_at"
    ordering = ("-seen_at",)
    search_fields = ("worker_id",)
