"""What was asked for at once: the list of batches, and one with all its replications.

The page and the fragment that renews it show the same snapshot. One poller renews all of it.
"""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from replication.lifecycle import ACTIVE, FINAL, NEEDS_ATTENTION, ReplicationStatus
from replication.models import Batch, Replication
from replication.services import batches, equivalents, statistics, throttle

from .access import PageRequest, page
from .rows import Row, rows_of, stamp, with_both_ends
from .sentences import tell_wait

#: Rows a page of the list.
_BATCHES = 25

#: The order in which a person wants to see what became of them.
_ORDER = (
    ReplicationStatus.FAILED,
    ReplicationStatus.REJECTED,
    ReplicationStatus.UNCONFIRMED,
    ReplicationStatus.PARTIAL,
    ReplicationStatus.SUBMITTING,
    ReplicationStatus.RUNNING,
    ReplicationStatus.REQUESTED,
    ReplicationStatus.SUCCEEDED,
    ReplicationStatus.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the replications of a batch stand, in numbers."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def _in(self, statuses: frozenset[ReplicationStatus]) -> int:
        return sum(number for status, number in self.counts.items() if status in statuses)

    @property
    def over(self) -> int:
        """Those that are over, well or not."""
        return self._in(FINAL)

    @property
    def troubled(self) -> int:
        """Those that a person should look at."""
        return self._in(NEEDS_ATTENTION)

    @property
    def is_active(self) -> bool:
        """Whether any is not over."""
        return bool(self._in(ACTIVE))

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """Each status that occurs with its number, in the order of the page."""
        return tuple((status, self.counts[status]) for status in _ORDER if self.counts.get(status))

    @property
    def sentence(self) -> str:
        """How it stands, in one sentence."""
        told = ngettext(
            "%(over)d of %(total)d replication is over.",
            "%(over)d of %(total)d replications are over.",
            self.total,
        ) % {"over": self.over, "total": self.total}
        if not self.troubled:
            return told
        trouble = ngettext("%(count)d needs attention.", "%(count)d need attention.", self.troubled) % {
            "count": self.troubled
        }
        return f"{told} {trouble}"

    @property
    def announcement(self) -> str:
        """How it stands, for somebody who listens: changes with each quarter that is over, and with trouble."""
        if not self.is_active:
            return self.sentence
        told = _("%(percent)d %% of the replications are over.") % {
            "percent": self.over * 4 // max(self.total, 1) * 25
        }
        if not self.troubled:
            return told
        trouble = ngettext("%(count)d needs attention.", "%(count)d need attention.", self.troubled) % {
            "count": self.troubled
        }
        return f"{told} {trouble}"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch in the list, and where it goes (null: nothing of it was ever sent anywhere)."""

    batch: Batch
    tally: Tally


@dataclass(frozen=True, slots=True)
class Line:
    """One replication of a batch, and why it waits (empty when it does not)."""

    row: Row
    wait: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything of a batch that changes, read at one time."""

    lines: tuple[Line, ...]
    tally: Tally
    version: str

    @property
    def may_change(self) -> bool:
        """Whether the page should ask again."""
        return any(line.row.replication.may_change for line in self.lines)


@require_GET
@page
def batch_list(request: PageRequest) -> HttpResponse:
    """Show what was asked for at once, the newest first."""
    found = Batch.objects.select_related("actor").order_by("-created_at", "-id")
    shown = Paginator(found, _BATCHES).get_page(request.GET.get("page"))
    counts = batches.count_by_status(shown.object_list)
    rows = [BatchRow(batch, Tally(counts[batch.pk])) for batch in shown.object_list]
    return render(request, "replication/batch_list.html", {"page": shown, "rows": rows})


@require_GET
@page
def batch_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a batch and all its replications."""
    now = timezone.now()
    batch = get_object_or_404(Batch.objects.select_related("actor", "retry_of"), pk=pk)
    replications = _replications(batch)
    waits = throttle.waits(replications, now)
    context = {
        "batch": batch,
        "snapshot": _snapshot(replications, waits, now),
        "one": replications[0] if replications else None,
        # A batch that tries something again is about single backups, which is another call.
        "commands": () if batch.retry_of else equivalents.replicate_batch(replications),
        "worker": statistics.worker_health(now),
        "inventory": statistics.inventory_health(now),
        "now": now,
    }
    return render(request, "replication/batch_detail.html", context)


@require_GET
@page
def batch_progress(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer a poll: the part that changes, or nothing at all if it did not."""
    now = timezone.now()
    batch = get_object_or_404(Batch, pk=pk)
    replications = _replications(batch)
    waits = throttle.waits(replications, now)
    if request.GET.get("version") == _version(replications, waits, now):
        return HttpResponse(status=204)
    context = {"batch": batch, "snapshot": _snapshot(replications, waits, now), "now": now}
    return render(request, "replication/_batch_progress.html", context)


def _replications(batch: Batch) -> list[Replication]:
    """Return its replications with both ends, what needs a look first. One query."""
    found = with_both_ends(batch.replications.all())
    return sorted(found, key=lambda one: (_ORDER.index(ReplicationStatus(one.status)), one.source_vault.name))


def _version(replications: list[Replication], waits: Mapping[uuid.UUID, throttle.Wait], now: datetime) -> str:
    # What one waits for changes without it.
    told = [tell_wait(wait) for wait in waits.values()]
    return stamp(replications, now, told, [one.may_change for one in replications])


def _snapshot(
    replications: list[Replication], waits: Mapping[uuid.UUID, throttle.Wait], now: datetime
) -> Snapshot:
    """Add what the page shows of the records. One query."""
    lines = tuple(
        Line(row, tell_wait(waits[row.replication.pk]) if row.replication.pk in waits else "")
        for row in rows_of(replications)
    )
    tally = Tally(Counter(one.status for one in replications))
    return Snapshot(lines, tally, _version(replications, waits, now))
