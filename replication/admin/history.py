"""Replications, their records, the audit entries, and what the admin wrote down about accounts."""

from typing import Any

import django_tasks_db.admin  # noqa: F401  # registers what is taken back below
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.http import HttpRequest  # noqa: TID251  # the admin consists of pages
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from replication.lifecycle import ReplicationStatus
from replication.models import Attempt, AuditEntry, Batch, Look, Replication, ReplicationRecord, Vault

from .reading import AuditAdmin, AuditInline

# An entry of the queue only nudges the worker; shown beside the history it would be taken for the truth.
admin.site.unregister(DBTaskResult)


class RecordInline(AuditInline):
    """The records of a replication."""

    model = ReplicationRecord
    fields = (
        "resource_name",
        "backup_id",
        "replication_record_id",
        "status",
        "progress_percent",
        "arrived_at",
    )
    ordering = ("resource_name", "backup_id")
    show_change_link = True


class AuditEntryInline(AuditInline):
    """What happened to a replication."""

    model = AuditEntry
    fields = ("at", "actor_name", "action", "from_status", "to_status", "request_id", "cloud_request_id")
    ordering = ("id",)
    show_change_link = True


class AttemptInline(AuditInline):
    """The attempts to send a replication."""

    model = Attempt
    fields = ("number", "begun_at", "ended_at", "outcome", "http_status", "error_code", "bytes_written")
    ordering = ("number",)
    show_change_link = True


class LookInline(AuditInline):
    """What was seen in the cloud while a replication was unclear."""

    model = Look
    fields = ("at", "complete", "found", "sources")


class PersonFilter(admin.RelatedOnlyFieldListFilter):
    """Those who did something here, under a title that reads on from "by"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("person")


class SourceFilter(admin.RelatedFieldListFilter):
    """The vaults that anything was replicated from, by the way to them."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:  # noqa: ARG002  # Django's signature
        """Return the id and the name of each."""
        vaults = (
            Vault.objects.filter(replications__isnull=False)
            .distinct()
            .select_related("project__region")
            .order_by("project__region__name", "project__name", "name")
        )
        return [(vault.pk, f"{vault.project} / {vault.name}") for vault in vaults]


@admin.register(Replication)
class ReplicationAdmin(AuditAdmin):
    """Every replication that was ever asked for."""

    list_display = (
        "reference",
        "status",
        "source",
        "route",
        "requested_by",
        "requested_at",
        "finished_at",
    )
    list_filter = (
        "status",
        "origin",
        "source_region",
        "destination_region",
        ("actor", PersonFilter),
        ("source_vault", SourceFilter),
    )
    list_select_related = ("actor", "source_vault")
    date_hierarchy = "requested_at"
    ordering = ("-requested_at", "-id")
    search_fields = (
        "^id",
        "vault_id__exact",
        "backup_id__exact",
        "destination_vault_id__exact",
        "source_project_id__exact",
        "destination_project_id__exact",
        "cloud_request_id__exact",
        "source_vault__name",
        "reason",
    )
    search_help_text = _("IDs of ours or of the cloud, request IDs, the vault's name, words of the reason")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id",
                    "status",
                    "origin",
                    "requested_by",
                    "reason",
                    "requested_at",
                    "submitted_at",
                    "finished_at",
                )
            },
        ),
        (
            _("From"),
            {
                "fields": (
                    *("source_region", "source_project_id", "source_vault", "vault_id"),
                    *("backup_id", "backup_name"),
                )
            },
        ),
        (
            _("To"),
            {
                "fields": (
                    "destination_region",
                    "destination_project_id",
                    "destination",
                    "destination_vault_id",
                    "replica_name",
                    "replica_description",
                )
            },
        ),
        (
            _("The cloud's answer"),
            {"fields": ("cloud_request_id", "provider_id", "error_code", "error_message", "response")},
        ),
        (
            _("How it was sent and followed"),
            {
                "fields": (
                    *(
                        "key",
                        "batch",
                        "auto_trigger",
                        "forecast",
                        "baseline",
                        "attempt",
                        "claimed_by",
                        "claimed_until",
                    ),
                    *("rearmed", "adoption_allowed", "check_after", "changed_at", "version"),
                )
            },
        ),
    )
    readonly_fields = ("id", "requested_by")
    inlines = (RecordInline, AttemptInline, AuditEntryInline, LookInline)
    export_columns = (
        *("id", "status", "requested_at", "submitted_at", "finished_at", "actor__username", "reason"),
        *("source_region", "source_project_id", "vault_id", "source_vault__name", "backup_id"),
        *("destination_region", "destination_project_id", "destination_vault_id", "destination__name"),
        *("replica_name", "replica_description"),
        *(
            "auto_trigger",
            "attempt",
            "rearmed",
            "provider_id",
            "cloud_request_id",
            "error_code",
            "error_message",
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Replication], search_term: str
    ) -> tuple[QuerySet[Replication], bool]:
        """Find by what stands on the replication, and by the ids of its records and requests.

        The latter by subqueries that use indexes: joining records and entries would multiply them with each other.
        """
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        if not term:
            return found, may_repeat
        records = ReplicationRecord.objects.filter(Q(replication_record_id=term) | Q(backup_id=term))
        entries = AuditEntry.objects.filter(
            Q(request_id=term) | Q(cloud_request_id=term), replication__isnull=False
        )
        beside = queryset.filter(
            Q(pk__in=records.values("replication")) | Q(pk__in=entries.values("replication"))
        )
        return found | beside, may_repeat

    def view_on_site(self, obj: Replication) -> str:
        """Return the address of the page on which the replication can be acted upon."""
        return reverse("replication-detail", args=[obj.pk])

    @admin.display(description=_("source vault"), ordering="source_vault__name")
    def source(self, obj: Replication) -> str:
        """Return the name alone: with the ID beside it the list would not fit, and the row's page has that."""
        return obj.source_vault.name

    @admin.display(description=_("from and to"), ordering="destination_region")
    def route(self, obj: Replication) -> str:
        """Return the two regions."""
        return f"{obj.source_region} → {obj.destination_region}"

    @admin.display(description=_("requested by"), ordering="actor__username")
    def requested_by(self, obj: Replication) -> str:
        """Return the name without a link: not everybody who reads here may see accounts."""
        return obj.requester or obj.get_origin_display()


@admin.register(ReplicationRecord)
class ReplicationRecordAdmin(AuditAdmin):
    """Every backup in every replication."""

    list_display = (
        *("__str__", "resource_name", "status", "cloud_status", "progress_percent"),
        *("evidence", "changed_at", "arrived_at"),
    )
    list_filter = ("status", "evidence", ("arrived_at", admin.EmptyFieldListFilter))
    list_select_related = ("replication",)
    date_hierarchy = "changed_at"
    ordering = ("-changed_at", "-id")
    search_fields = (
        *("^id", "^replication__id", "replication_record_id__exact", "backup_id__exact"),
        *("destination_backup_id__exact", "operation_log_id__exact", "resource_id__exact", "resource_name"),
    )
    search_help_text = _("IDs of ours or of the cloud, the server's name")
    readonly_fields = ("id",)
    inlines = ()


class ReplicationInline(AuditInline):
    """The replications of a batch."""

    model = Replication
    # Not that of the batches that try it again.
    fk_name = "batch"
    fields = (
        *("reference", "status", "vault_id", "backup_id"),
        *("destination_region", "submitted_at", "finished_at"),
    )
    readonly_fields = ("reference",)
    ordering = ("requested_at", "id")
    show_change_link = True


@admin.register(Batch)
class BatchAdmin(AuditAdmin):
    """What was asked for at once."""

    list_display = ("reference", "created_at", "actor", "reason", "retry_of")
    list_filter = (("actor", PersonFilter),)
    list_select_related = ("actor", "retry_of")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    search_fields = ("^id", "^retry_of__id", "reason")
    search_help_text = _("IDs of ours, words of the reason")
    fields = ("id", "created_at", "actor", "reason", "retry_of", "left_out", "key")
    readonly_fields = ("id",)
    inlines = (ReplicationInline,)


@admin.register(Attempt)
class AttemptAdmin(AuditAdmin):
    """Every attempt to send, as it began and as it ended."""

    list_display = (
        "begun_at",
        "replication",
        "number",
        "outcome",
        "http_status",
        "error_code",
        "bytes_written",
    )
    list_filter = ("outcome", "http_status", "error_code")
    list_select_related = ("replication",)
    date_hierarchy = "begun_at"
    ordering = ("-begun_at", "-id")
    search_fields = ("^replication__id", "replication__vault_id__exact", "cloud_request_id__exact", "worker")
    search_help_text = _("The replication's or the vault's ID, the cloud's request ID, a worker")


@admin.register(AuditEntry)
class AuditEntryAdmin(AuditAdmin):
    """Who did what, and what the worker found out."""

    list_display = ("moment", "actor_name", "action", "subject", "before", "after", "request_id")
    list_filter = ("action", ("actor", PersonFilter))
    list_select_related = ("replication",)
    date_hierarchy = "at"
    ordering = ("-id",)
    search_fields = ("^replication__id", "actor_name", "request_id__exact", "cloud_request_id__exact")
    search_help_text = _("The replication's ID, a person, a request ID of ours or of the cloud")
    fields = (
        *("id", "moment", "actor_name", "action", "replication", "before", "after"),
        *("details", "request_id", "cloud_request_id"),
    )
    readonly_fields = ("id", "moment", "before", "after")

    @admin.display(description=_("at"), ordering="id")
    def moment(self, obj: AuditEntry) -> str:
        """Return the time to the second and with its offset: what happened first must be told apart."""
        return timezone.localtime(obj.at).isoformat(sep=" ", timespec="seconds")

    @admin.display(description=_("from"), ordering="from_status", empty_value="-")
    def before(self, obj: AuditEntry) -> str | None:
        """Return the status before, in the words of the pages."""
        return str(ReplicationStatus(obj.from_status).label) if obj.from_status else None

    @admin.display(description=_("to"), ordering="to_status", empty_value="-")
    def after(self, obj: AuditEntry) -> str | None:
        """Return the status afterwards, in the words of the pages."""
        return str(ReplicationStatus(obj.to_status).label) if obj.to_status else None

    @admin.display(description=_("replication"), ordering="replication__id", empty_value="-")
    def subject(self, obj: AuditEntry) -> str | None:
        """Return the short reference of the replication."""
        return obj.replication.reference if obj.replication else None


@admin.register(LogEntry)
class LogEntryAdmin(AuditAdmin):
    """Who changed which account, as the admin itself wrote it down."""

    list_display = ("action_time", "user", "action_flag", "object_repr", "get_change_message")
    list_filter = ("action_flag", "content_type")
    list_select_related = ("user", "content_type")
    date_hierarchy = "action_time"
    ordering = ("-action_time", "-id")
    search_fields = ("user__username", "object_repr", "object_id__exact")
    fields = ("action_time", "action_flag", "object_repr", "get_change_message")
    export_columns = (
        *("id", "action_time", "user__username", "action_flag"),
        *("content_type__model", "object_id", "object_repr", "change_message"),
    )
