"""What every list of replications shows of one, fetched in a fixed number of queries however long the list.

Also the stamp by which a polled list says that nothing changed. Knows no page.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from replication.lifecycle import RECORD_FINAL
from replication.models import Replication, ReplicationRecord


@dataclass(frozen=True, slots=True)
class Row:
    """One replication in a list, with how many backups it has, how many of them are over and how many arrived."""

    replication: Replication
    backups: int
    over: int
    arrived: int
    #: Whether the reader's page has it already as it is, so that a fragment only says where it stands.
    is_known: bool = False


def rows_of(replications: Iterable[Replication]) -> tuple[Row, ...]:
    """Add to each replication what the lists show of its records. One query."""
    listed = list(replications)
    counts = {
        found["replication"]: found
        for found in ReplicationRecord.objects.filter(replication__in=listed)
        .values("replication")
        .annotate(
            backups=Count("pk"),
            over=Count("pk", filter=Q(status__in=RECORD_FINAL)),
            arrived=Count("pk", filter=Q(arrived_at__isnull=False)),
        )
        .order_by()
    }
    return tuple(_row(one, counts.get(one.pk, {})) for one in listed)


def recognise(rows: Iterable[Row], known: str, now: datetime) -> tuple[Row, ...]:
    """Mark the rows that a page has already, according to what it sends back of `tokens`."""
    there = frozenset(known.split(","))
    return tuple(replace(row, is_known=_token(row.replication, now) in there) for row in rows)


def tokens(rows: Iterable[Row], now: datetime) -> str:
    """Return, for an address, which replications a page shows and how they look."""
    return ",".join(_token(row.replication, now) for row in rows)


def _token(replication: Replication, now: datetime) -> str:
    return f"{replication.reference}.{replication.version}{'s' if replication.is_stalled(now) else ''}"


def _row(replication: Replication, counts: Mapping[str, Any]) -> Row:
    backups = counts.get("backups", 0)
    # The badge tells "nothing to replicate" from "succeeded" by it.
    replication.record_count = backups  # type: ignore[attr-defined]  # what a queryset's annotation would have set
    return Row(replication, backups, counts.get("over", 0), counts.get("arrived", 0))


def with_both_ends(replications: QuerySet[Replication]) -> QuerySet[Replication]:
    """Fetch what a list names: who asked, and source and destination down to the region."""
    return replications.select_related(
        "actor", "source_vault__project__region", "destination__project__region"
    )


def stamp(replications: Iterable[Replication], now: datetime, *beside: object) -> str:
    """Return a short text that differs as soon as one of these replications, or anything `beside` them, looks different.

    Needs of each only id, version, status and `changed_at`. Silence counts as a change: it is shown once it lasts.
    """
    seen = [(str(one.pk), one.version, one.is_stalled(now)) for one in replications]
    return hashlib.blake2s(repr((seen, beside)).encode(), digest_size=8).hexdigest()
