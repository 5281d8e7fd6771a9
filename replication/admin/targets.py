"""The targets: how old restore points may be. They are set on a page of their own, and the audit says by whom."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from replication.models import RecoveryTarget

from .reading import AuditAdmin


@admin.register(RecoveryTarget)
class RecoveryTargetAdmin(AuditAdmin):
    """Every target, for whatever it is."""

    list_display = ("__str__", "vault", "tag_key", "tag_value", "project", "hours", "changed_at")
    list_select_related = ("vault__project__region", "project__region")
    date_hierarchy = "changed_at"
    ordering = ("-changed_at", "-id")
    search_fields = ("^id", "vault__name", "tag_key", "tag_value", "project__name")
    search_help_text = _("The name of a vault, a tag or a project")
    readonly_fields = ("id",)
