"""Finding replications: the filter of the list, its search, and the cutting of pages that stays fast at any length."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Cut:
    """A page of replications, newest first, and the ids from which its neighbours go on; empty where there is none."""

    replications: tuple[Replication, ...]
    newer: str
    older: str


def cut(replications: QuerySet[Replication], *, size: int, before: str = "", after: str = "") -> Cut:
    """Cut out the `size` replications that are older than `before`, or newer than `after`, or newest of all.

    Goes on from a row instead of counting rows that it skips, so that the last page costs what the first one does.
    An id that names nothing means the newest.
    """
    if edge := _edge(after):
        newer = replications.filter(requested_at__gte=edge.requested_at).filter(
            Q(requested_at__gt=edge.requested_at) | Q(pk__gt=edge.pk)
        )
        found = list(newer.order_by("requested_at", "id")[: size + 1])
        if len(found) > size:
            return _cut(found[:size][::-1], newer=True, older=True)
        # Fewer than a page are newer: that is the first page, and it is shown whole.
    elif edge := _edge(before):
        older = replications.filter(requested_at__lte=edge.requested_at).filter(
            Q(requested_at__lt=edge.requested_at) | Q(pk__lt=edge.pk)
        )
        found = list(older.order_by("-requested_at", "-id")[: size + 1])
        return _cut(found[:size], newer=True, older=len(found) > size)
    found = list(replications.order_by("-requested_at", "-id")[: size + 1])
    return _cut(found[:size], newer=False, older=len(found) > size)


def _cut(found: list[Replication], *, newer: bool, older: bool) -> Cut:
    return Cut(
        replications=tuple(found),
        newer=str(found[0].pk) if newer and found else "",
        older=str(found[-1].pk) if older and found else "",
    )


def _edge(cursor: str) -> Replication | None:
    if not _UUID.fullmatch(cursor):
        return None
    return Replication.objects.only("pk", "requested_at").filter(pk=cursor).first()


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
        *Replication.objects.filter(own).values_list("pk", flat=True),
        *ReplicationRecord.objects.filter(
            Q(replication_record_id__in=spellings) | Q(backup_id__in=spellings)
        ).values_list("replication", flat=True),
        *AuditEntry.objects.filter(request_id__in=spellings, replication__isnull=False).values_list(
            "replication", flat=True
        ),
    }
    vaults = list(Vault.objects.filter(vault_id__in=spellings).values_list("pk", flat=True))
    if vaults:
        return Q(source_vault__in=vaults) | Q(destination__in=vaults)
    return Q(pk__in=ids) if ids else Q()
