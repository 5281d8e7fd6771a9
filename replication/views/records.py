"""The backups of a replication: their list with its order, filter and file, and what all of them come to.

The replication's own page shows the first of them and the sums; neither costs more with thousands of them.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from replication.filters import RecordFilterForm
from replication.lifecycle import RecordStatus
from replication.models import Replication, ReplicationRecord

from . import exports, tables
from .access import PageRequest, page
from .rows import with_both_ends
from .sentences import Tally
from .tables import Column, Table

#: The order in which a person wants to see records.
_ORDER = (
    RecordStatus.FAILED,
    RecordStatus.TIMED_OUT,
    RecordStatus.RUNNING,
    RecordStatus.UNKNOWN,
    RecordStatus.WAITING,
    RecordStatus.SUCCEEDED,
    RecordStatus.SKIPPED,
)
_URGENCY = Case(
    *(When(status=status, then=Value(place)) for place, status in enumerate(_ORDER)),
    default=Value(len(_ORDER)),
    output_field=IntegerField(),
)
_BY_URGENCY = ("urgency", "resource_name", "backup_name", "backup_id", "id")

RECORDS = Table(
    code="records",
    label=_("Backups of a replication"),
    sort="status",
    columns=(
        Column("backup", _("Backup"), order=("backup_name", "id"), is_fixed=True),
        Column("resource", _("Resource"), order=("resource_name", "backup_name", "id"), is_usual=False),
        Column("status", _("Status"), order=_BY_URGENCY),
        Column("progress", _("Progress / arrival")),
        Column("changed", _("Changed"), order=("changed_at", "id"), is_descending=True, is_usual=False),
        Column("error", _("Error"), order=("error_code", "id"), is_usual=False),
        Column("ids", _("IDs")),
    ),
)

#: Columns of the file.
EXPORTED: exports.Fields = {
    "replication": "replication_id",
    **{
        name: name
        for name in (
            *("backup_id", "replication_record_id", "destination_backup_id", "operation_log_id"),
            *("backup_name", "resource_id", "resource_name", "resource_size_gb", "status", "cloud_status"),
            *("progress_percent", "evidence", "changed_at", "read_at", "finished_at", "arrived_at"),
            *("error_code", "error_message"),
        )
    },
}


def by_urgency(records: QuerySet[ReplicationRecord]) -> QuerySet[ReplicationRecord]:
    """Return the records with those that need a look first."""
    return records.annotate(urgency=_URGENCY).order_by(*_BY_URGENCY)


@dataclass(frozen=True, slots=True)
class Sums:
    """What all records of a replication come to."""

    #: Records that stand for all that look like them; `alike` says for how many.
    kinds: tuple[ReplicationRecord, ...]
    tally: Tally
    #: GB of the resources behind all backups and behind those copied; null when one is not known.
    total_gb: int | None
    copied_gb: int | None
    #: Error code and message, and how many records have it.
    faults: tuple[tuple[str, str, int], ...]


def add_up(replication: Replication) -> Sums:
    """Add up the records of a replication. One query, however many there are."""
    groups = list(
        replication.records.annotate(
            urgency=_URGENCY, has_come=Case(When(arrived_at=None, then=Value(0)), default=Value(1))
        )
        .values("urgency", "status", "has_come", "error_code", "error_message")
        .annotate(
            found=Count("pk"),
            sized=Count("resource_size_gb"),
            gb=Sum("resource_size_gb"),
        )
        .order_by("urgency", "has_come", "error_code", "error_message")
    )
    kinds = tuple(_kind(group) for group in groups)
    faults: dict[tuple[str, str], int] = {}
    for group in groups:
        if group["error_code"] or group["error_message"]:
            told = (group["error_code"], group["error_message"])
            faults[told] = faults.get(told, 0) + group["found"]
    return Sums(
        kinds=kinds,
        tally=Tally.of(kinds),
        total_gb=_gigabytes(groups),
        copied_gb=_gigabytes([group for group in groups if group["status"] == RecordStatus.SUCCEEDED]),
        faults=tuple((code, message, count) for (code, message), count in faults.items()),
    )


def _kind(group: Mapping[str, Any]) -> ReplicationRecord:
    # Whether it has arrived is all that is asked of the moment.
    arrived_at = timezone.now() if group["has_come"] else None
    record = ReplicationRecord(status=group["status"], arrived_at=arrived_at)
    record.alike = group["found"]  # type: ignore[attr-defined]  # read by whatever counts records
    return record


def _gigabytes(groups: Sequence[Mapping[str, Any]]) -> int | None:
    if any(group["sized"] < group["found"] for group in groups):
        return None
    return sum(group["gb"] or 0 for group in groups)


@require_GET
@page
def record_list(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one page of the backups of a replication that fit the filter."""
    replication = _find(pk)
    form = RecordFilterForm(request.GET)
    sheet = tables.lay_out(request, RECORDS, form, _fitting(replication, form), tuple)
    context = {
        "replication": replication,
        "form": form,
        "sheet": sheet,
        "shown": sheet.rows,
        "now": timezone.now(),
    }
    return render(request, "replication/record_list.html", context)


@require_POST
@page
def record_export(request: PageRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Send every backup of a replication that fits the filter as a file."""
    replication = _find(pk)
    return exports.send(request, RECORDS, _fitting(replication, RecordFilterForm(request.GET)), EXPORTED)


def _find(pk: uuid.UUID) -> Replication:
    return get_object_or_404(with_both_ends(Replication.objects.all()), pk=pk)


def _fitting(replication: Replication, form: RecordFilterForm) -> QuerySet[ReplicationRecord]:
    form.is_valid()
    wanted = form.cleaned_data
    found = replication.records.annotate(urgency=_URGENCY)
    if (status := wanted.get("status")) == RecordFilterForm.ARRIVED:
        found = found.filter(arrived_at__isnull=False)
    elif status:
        found = found.filter(status=status)
    if text := wanted.get("q"):
        ids = (
            "backup_id",
            "replication_record_id",
            "destination_backup_id",
            "operation_log_id",
            "resource_id",
        )
        named = (
            Q(backup_name__icontains=text) | Q(resource_name__icontains=text) | Q(error_code__iendswith=text)
        )
        for one in ids:
            named |= Q(**{f"{one}__istartswith": text})
        found = found.filter(named)
    return found
