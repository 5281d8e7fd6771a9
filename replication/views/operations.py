"""The operation logs of a vault that were ever read, also those that the cloud no longer shows."""

import uuid

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from replication.filters import OperationFilterForm
from replication.models import CloudReading, OperationLog, Vault
from replication.services import statistics

from .access import PageRequest, page


@require_GET
@page
def vault_operations(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what the cloud has logged about one vault, newest first."""
    now = timezone.now()
    vault = get_object_or_404(Vault.objects.select_related("project__region"), pk=pk)
    logs = OperationLog.objects.filter(project=vault.project, vault_id=vault.vault_id)
    form = OperationFilterForm(request.GET, logs)
    form.is_valid()
    shown = Paginator(_fitting(logs, form).newest_first(), form.page_size).get_page(request.GET.get("page"))  # type: ignore[attr-defined]  # keeps its class
    context = {
        "vault": vault,
        "form": form,
        "page": shown,
        "logs": shown.object_list,
        "reading": CloudReading.objects.filter(cloud=vault.project.cloud).exclude(cloud="").first(),
        "inventory": statistics.inventory_health(now),
        "worker": statistics.worker_health(now),
    }
    return render(request, "replication/vault_operations.html", context)


def _fitting(logs: QuerySet[OperationLog], form: OperationFilterForm) -> QuerySet[OperationLog]:
    wanted = form.cleaned_data
    if operation := wanted.get("operation"):
        logs = logs.filter(operation_type=operation)
    if status := wanted.get("status"):
        logs = logs.filter(status=status)
    if text := wanted.get("q"):
        ids = (
            "operation_log_id",
            "backup_id",
            "resource_id",
            "policy_id",
            "cloud_request_id",
            "destination_backup_id",
        )
        named = (
            Q(resource_name__icontains=text) | Q(backup_name__icontains=text) | Q(error_code__icontains=text)
        )
        for name in ids:
            named |= Q(**{name: text})
        logs = logs.filter(named)
    return logs
