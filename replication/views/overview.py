"""The first page: one sentence on how things stand, what runs, what needs a person, and what ended last."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from replication.lifecycle import ACTIVE, FINAL, NEEDS_ATTENTION, ReplicationStatus
from replication.models import Replication, Vault
from replication.roles import Right, can
from replication.services import activity as past
from replication.services import coverage, statistics
from replication.services.coverage import Sight

from .access import PageRequest, page
from .rows import Row, recognise, rows_of, stamp, tokens, with_both_ends
from .standing import Summary, tell_blindness, tell_broken, tell_half_set_targets

#: How many replications each list of the page shows; the replications page has the rest.
SHOWN = 10


@require_GET
@page
def overview(request: PageRequest) -> HttpResponse:
    """Show how things stand."""
    now = timezone.now()
    return render(request, "replication/overview.html", _context(request, now, _version(now)))


@require_GET
@page
def activity(request: PageRequest) -> HttpResponse:
    """Answer a poll: the part that changes, or nothing at all if it did not."""
    now = timezone.now()
    version = _version(now)
    if request.GET.get("version") == version:
        return HttpResponse(status=204)
    return render(
        request, "replication/_overview.html", _context(request, now, version, request.GET.get("known", ""))
    )


def _version(now: datetime) -> str:
    """Stamp everything that the page shows. Six small queries, whatever the size of the history."""
    newest = Replication.objects.newest_first().values_list("pk", flat=True).first()
    inventory = statistics.inventory_health(now)
    return stamp(
        _may_change().only("pk", "version", "status", "changed_at").order_by("pk"),
        now,
        newest,
        inventory.oldest_read_at,
        len(inventory.failed),
        inventory.is_stale,
        inventory.held_back,
        statistics.worker_health(now).is_alive,
        coverage.stamp(now),
    )


def _may_change() -> QuerySet[Replication]:
    """Those on which `Replication.may_change` holds."""
    return Replication.objects.filter(Q(status__in=ACTIVE) | Q(check_after__isnull=False))


def _context(request: PageRequest, now: datetime, version: str, known: str = "") -> dict[str, object]:
    """Read what the page shows. The version was taken before: whatever changes in between is asked for again."""
    counts = statistics.overview(now)
    inventory = statistics.inventory_health(now)
    worker = statistics.worker_health(now)
    sight = Sight.of(inventory.readings, now)
    standing = coverage.standing(sight, now)
    recent = Q(requested_at__gte=now - statistics.ATTENTION_FOR)
    unclear = Q(status=ReplicationStatus.UNCONFIRMED)
    troubled = Q(status__in=NEEDS_ATTENTION)
    attention = _newest(Replication.objects.filter(unclear | (troubled & recent)))
    under_way = _newest(Replication.objects.active().exclude(unclear))
    ended = _newest(Replication.objects.filter(status__in=FINAL).exclude(troubled & recent))
    return {
        # Not "version": that is the site's own, in the footer.
        "stamp": version,
        "polls": inventory.is_first_reading_pending or _may_change().exists(),
        "counts": counts,
        "summary": summarise(counts, inventory, worker, standing),
        "standing": standing,
        "days": past.last_days(now),
        "arrivals": past.latest_arrivals(SHOWN),
        "inventory": inventory,
        "worker": worker,
        "attention": recognise(attention, known, now),
        "under_way": recognise(under_way, known, now),
        "ended": recognise(ended, known, now),
        "known": tokens((*attention, *under_way, *ended), now),
        "is_new": not (attention or under_way or ended),
        "has_vaults": Vault.objects.exists(),
        "may_refresh": can(request.user, Right.REFRESH_INVENTORY),
    }


def _newest(replications: QuerySet[Replication]) -> tuple[Row, ...]:
    return rows_of(with_both_ends(replications).order_by("-requested_at", "-id")[:SHOWN])


def summarise(
    counts: statistics.Overview,
    inventory: statistics.InventoryHealth,
    worker: statistics.WorkerHealth,
    standing: coverage.Standing,
) -> Summary:
    """Say in one sentence how things stand. The worst decides, and nothing is called well that nobody has looked at."""
    if not worker.is_alive:
        return Summary(
            _("No worker is running, so nothing is sent and nothing is followed."), "error", "x-circle"
        )
    if broken := tell_broken(standing):
        return broken
    if counts.unconfirmed:
        return Summary(
            ngettext(
                "%(count)d replication is unclear: it may or may not have been started.",
                "%(count)d replications are unclear: they may or may not have been started.",
                counts.unconfirmed,
            )
            % {"count": counts.unconfirmed},
            "warning",
            "question-mark-circle",
        )
    if counts.attention:
        return Summary(
            ngettext(
                "%(count)d replication of the last seven days needs attention.",
                "%(count)d replications of the last seven days need attention.",
                counts.attention,
            )
            % {"count": counts.attention},
            "warning",
            "exclamation-triangle",
        )
    if blindness := tell_blindness(standing, inventory):
        return blindness
    if under_way := counts.running + counts.queued:
        return Summary(
            ngettext(
                "%(count)d replication is under way, and nothing needs attention.",
                "%(count)d replications are under way, and nothing needs attention.",
                under_way,
            )
            % {"count": under_way},
            "info",
            "arrow-path",
        )
    if half_set := tell_half_set_targets(standing):
        return half_set
    return Summary(
        _("Nothing is under way, nothing needs attention, and every server meets its target."),
        "success",
        "check-circle",
    )
