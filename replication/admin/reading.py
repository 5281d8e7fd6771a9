"""What every audit page has in common: it can be read and exported by those who may, and changed by nobody."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import (  # noqa: TID251  # the admin consists of pages
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from replication.models import AuditAction, AuditEntry
from replication.roles import NotPermitted, Right, can
from replication.services import audit
from replication.services.spreadsheet import csv_lines, in_pieces

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyTabularInline = admin.TabularInline[Any, Any]
else:  # not subscriptable at run time
    AnyModelAdmin, AnyTabularInline = admin.ModelAdmin, admin.TabularInline


class ReadOnly:
    """Lets whoever may read the audit look, and nobody change anything."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the person sees it in the list of models."""
        return can(request.user, Right.READ_AUDIT)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # Django's
        """Return whether the person may look."""
        return can(request.user, Right.READ_AUDIT)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # Django's
        """Return that nobody may add."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


class AuditAdmin(ReadOnly, AnyModelAdmin):
    """A list to filter, search and export, and a page for each row."""

    #: Columns of the export, as lookups; empty means every column of the table.
    export_columns: tuple[str, ...] = ()
    change_list_template = "admin/audit_list.html"
    change_form_template = "admin/audit_page.html"
    # Counting everything besides what was found would read the whole table for a number that nobody asked for.
    show_full_result_count = False
    actions = None

    def get_urls(self) -> list[URLPattern]:
        """Return Django's addresses, and that of the export."""
        export = self.admin_site.admin_view(require_POST(self.export))
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", export, name=name), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Send the rows of the current filter, all pages of them, and write down that they left.

        A POST, since it leaves a trace: nobody can make somebody else export by a link.

        Raises:
            PermissionDenied: the person may not read the audit.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied from NotPermitted(Right.READ_AUDIT)
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(
                reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            )
        now = timezone.now()
        # Before the first row leaves: an export that could not be written down must not happen.
        entry = self._write_down(request, rows.count(), now)
        if self.model is AuditEntry:
            rows = rows.exclude(pk=entry.pk)
        columns = self.export_columns or tuple(field.attname for field in self.opts.concrete_fields)
        name = f"{self.opts.model_name}-{now:%Y%m%dT%H%M%SZ}.csv"
        return StreamingHttpResponse(
            in_pieces(csv_lines(columns, rows.values_list(*columns).iterator(chunk_size=1000))),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _write_down(self, request: HttpRequest, rows: int, now: datetime) -> AuditEntry:
        return audit.record(
            AuditAction.EXPORTED,
            now=now,
            actor=request.user if isinstance(request.user, User) else None,
            request_id=getattr(request, "request_id", ""),
            model=self.opts.label_lower,
            filter=request.META.get("QUERY_STRING", "")[:1000],
            rows=rows,
        )


class AuditInline(ReadOnly, AnyTabularInline):
    """Rows that belong to another row, on its page."""
