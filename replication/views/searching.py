"""Finding replications: the filter of the list, and its search, which knows every id that belongs to one."""

import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from replication.lifecycle import ACTIVE, NEEDS_ATTENTION, ReplicationStatus
from replication.models import AuditEntry, Replication, ReplicationRecord, Vault

#: Words of the status filter that stand for several statuses.
GROUPS = {
    "active": ACTIVE,
    "attention": NEEDS_ATTENTION,
    "queued": frozenset({ReplicationStatus.REQUESTED, ReplicationStatus.SUBMITTING}),
}

_REFERENCE = re.compile(r"[0-9a-f]{8}")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
#: Something shorter, or with a space in it, is looked for in texts only.
_ID = re.compile(r"\S{8,255}")


def fitting(wanted: Mapping[str, Any]) -> QuerySet[Replication]:
    """Return the replications that fit the cleaned values of a `HistoryFilterForm`."""
    found = Replication.objects.all()
    if status := wanted.get("status"):
        found = found.filter(status__in=GROUPS.get(status, {status}))
    if vault := wanted.get("vault"):
        found = found.filter(source_vault=vault)
    if region := wanted.get("region"):
        found = found.filter(Q(source_region=region) | Q(destination_region=region))
    if person := wanted.get("person"):
        found = found.filter(actor=person)
    if since := wanted.get("since"):
        found = found.filter(requested_at__gte=_midnight(since))
    if until := wanted.get("until"):
        found = found.filter(requested_at__lt=_midnight(until + timedelta(days=1)))
    if text := wanted.get("q"):
        found = found.filter(_named(text) or _mentioning(text))
    return found


def _midnight(day: date) -> datetime:
    """Return the beginning of a day in the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _mentioning(text: str) -> Q:
    vaults = Vault.objects.filter(name__icontains=text).values("pk")
    return Q(reason__icontains=text) | Q(source_vault__in=vaults) | Q(destination__in=vaults)


def _named(text: str) -> Q:
    """Return what an id stands for, whosever id it is; an empty condition if it is none that we know."""
    if not _ID.fullmatch(text):
        return Q()
    spellings = {text}
    own = Q(cloud_request_id=text)
    if _UUID.fullmatch(text.lower()):
        known = uuid.UUID(text)
        # Request ids are written without hyphens, the cloud's others with them, and people copy either.
        spellings |= {known.hex, str(known)}
        own |= Q(pk=known)
    elif _REFERENCE.fullmatch(text.lower()):
        first = uuid.UUID(text + "0" * 24)
        own |= Q(pk__gte=first, pk__lte=uuid.UUID(text + "f" * 24))
    ids = {
        # A single backup's own id stands on it before there is a record.
        *Replication.objects.filter(own | Q(backup_id__in=spellings)).values_list("pk", flat=True),
        *ReplicationRecord.objects.filter(
            Q(replication_record_id__in=spellings)
            | Q(backup_id__in=spellings)
            | Q(destination_backup_id__in=spellings)
        ).values_list("replication", flat=True),
        *AuditEntry.objects.filter(request_id__in=spellings, replication__isnull=False).values_list(
            "replication", flat=True
        ),
    }
    vaults = list(Vault.objects.filter(vault_id__in=spellings).values_list("pk", flat=True))
    if vaults:
        return Q(source_vault__in=vaults) | Q(destination__in=vaults)
    return Q(pk__in=ids) if ids else Q()
