"""One replication: who asked for what and why, how it stands, and each backup in it.

The page and the fragment that renews it show the same snapshot, so that no two parts of a page disagree.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from replication.models import Attempt, AuditEntry, Look, Replication, ReplicationRecord
from replication.roles import Right, can
from replication.services import scoring, throttle, triggering
from replication.services.explanations import Explanation, explain
from replication.services.preflight import Text

from . import sentences
from .access import PageRequest, page
from .records import Sums, add_up, by_urgency
from .rows import stamp, with_both_ends

#: Backups that the page shows, those that need a look first; their own list has the rest.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """An error code with all that is known of it, and how many backups it befell (null: the whole replication)."""

    code: str
    message: str
    explanation: Explanation | None
    backups: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the page shows, read at one time."""

    replication: Replication
    version: str
    #: The first of its records, and what all of them come to.
    records: tuple[ReplicationRecord, ...]
    sums: Sums
    entries: tuple[AuditEntry, ...]
    looks: tuple[Look, ...]
    attempts: tuple[Attempt, ...]
    faults: tuple[Fault, ...]
    #: What is missing before a person may say that it was never started; empty when nothing is.
    absence_gap: Text
    #: The forecast beside the cloud's answer; null while there is none. And how all forecasts have fared.
    comparison: scoring.Comparison | None
    track_record: scoring.Record | None
    may_withdraw: bool
    may_settle: bool
    #: Why it has not been sent yet; null once it was.
    wait: throttle.Wait | None
    #: Whether its backups may be replicated one by one by whoever looks.
    offers_single: bool

    @property
    def same_destination(self) -> str:
        """What chooses its destination once more in an address; empty where our inventory does not have it."""
        to = self.replication.destination
        if to is None:
            return ""
        chosen = {"region": to.project.region.name, "project": to.project_id, "destination": to.pk}
        return f"&{urlencode(chosen)}"

    @property
    def tally(self) -> sentences.Tally:
        """How many records there are, and how far they are."""
        return self.sums.tally

    @property
    def sentence(self) -> str:
        """How it stands."""
        return sentences.describe(self.replication, self.tally, self.wait)

    @property
    def announcement(self) -> str:
        """How it stands, for somebody who listens."""
        return sentences.announce(self.replication, self.tally)

    @property
    def answer(self) -> str:
        """The cloud's answer in full; empty when there is none."""
        response = self.replication.response
        return json.dumps(response, indent=2, ensure_ascii=False) if response is not None else ""

    @property
    def took(self) -> timedelta | None:
        """How long it was under way; null while it is, or when nothing was sent."""
        return self.replication.took

    @property
    def support(self) -> str:
        """What the cloud's support asks for: plain lines, in English and UTC like the cloud's own."""
        one = self.replication
        lines = {
            "replication": one.id,
            "status": one.status,
            "source": f"{one.source_region} / {one.source_project_id} / {one.vault_id}",
            "backup": one.backup_id,
            "destination": f"{one.destination_region} / {one.destination_project_id} / {one.destination_vault_id}",
            "requested": _utc(one.requested_at),
            "sent": _utc(one.submitted_at),
            "finished": _utc(one.finished_at),
            "X-Request-Id": one.cloud_request_id,
            "error": " ".join(filter(None, [one.error_code, one.error_message])),
            "backups": ", ".join(f"{fault.backups} x {fault.code}" for fault in self.faults if fault.backups),
        }
        return "\n".join(f"{name}: {value}" for name, value in lines.items() if value)

    @property
    def adoption_gap(self) -> str:
        """What stands against taking over what was found; empty when nothing does."""
        if self.replication.adoption_allowed:
            return _("A person has allowed it already, and the next look does so.")
        if not self.looks or not self.looks[0].found:
            return _("The latest look at the cloud found nothing to take over.")
        return ""

    @property
    def can_adopt(self) -> bool:
        """Whether there is something in the cloud to take over, and nobody has allowed it yet."""
        return not self.adoption_gap


@require_GET
@page
def replication_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a replication."""
    now = timezone.now()
    snapshot = take_snapshot(request, _find(pk), now)
    return render(request, "replication/replication_detail.html", _context(snapshot, now))


@require_GET
@page
def replication_records(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Answer a poll: the part that changes, or nothing at all if it did not."""
    now = timezone.now()
    replication = _find(pk)
    if request.GET.get("version") == _version(replication, now, _wait(replication, now)):
        return HttpResponse(status=204)
    snapshot = take_snapshot(request, replication, now)
    return render(request, "replication/_progress.html", _context(snapshot, now))


def _find(pk: uuid.UUID) -> Replication:
    return get_object_or_404(with_both_ends(Replication.objects.all()), pk=pk)


def _context(snapshot: Snapshot, now: datetime) -> dict[str, object]:
    return {
        "snapshot": snapshot,
        "replication": snapshot.replication,
        "now": now,
        "shown": snapshot.records,
    }


def _wait(replication: Replication, now: datetime) -> throttle.Wait | None:
    """Say why it was not sent yet, if it was not. Three queries at most."""
    return throttle.waits([replication], now).get(replication.pk)


def _version(replication: Replication, now: datetime, wait: throttle.Wait | None) -> str:
    """Stamp what the page shows. While it is unclear, one query more: time alone opens the way to settle it.

    What it waits for changes without it.
    """
    gap = triggering.absence_gap(replication, now) if replication.is_unconfirmed else ""
    return stamp(
        [replication], now, replication.may_change, replication.adoption_allowed, str(gap), repr(wait)
    )


def take_snapshot(request: PageRequest, replication: Replication, now: datetime) -> Snapshot:
    """Read what belongs to a replication. Four queries, more while it waits or is unclear, and once it is answered."""
    sums = add_up(replication)
    is_unclear = replication.is_unconfirmed
    wait = _wait(replication, now)
    # The badge tells "nothing to replicate" by it, without asking again.
    replication.record_count = sums.tally.total  # type: ignore[attr-defined]  # as an annotation would set it
    return Snapshot(
        replication=replication,
        version=_version(replication, now, wait),
        records=tuple(by_urgency(replication.records.all())[:SHOWN]),
        sums=sums,
        entries=tuple(replication.audit_entries.order_by("id")),
        looks=tuple(replication.looks.all()) if is_unclear else (),
        attempts=tuple(replication.attempts.order_by("number")),
        faults=tuple(_faults(replication, sums)),
        absence_gap=triggering.absence_gap(replication, now) if is_unclear else "",
        comparison=(comparison := scoring.compare(replication)),
        track_record=scoring.track_record() if comparison else None,
        may_withdraw=replication.can_be_withdrawn and can(request.user, Right.WITHDRAW),
        may_settle=is_unclear and can(request.user, Right.SETTLE),
        wait=wait,
        offers_single=replication.is_final and can(request.user, Right.TRIGGER),
    )


def _utc(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""


def _faults(replication: Replication, sums: Sums) -> Iterable[Fault]:
    """Yield the replication's own fault, then those of its records, grouped by code."""
    if replication.error_code or replication.error_message:
        code = replication.error_code
        yield Fault(code, replication.error_message, explain(code))
    for code, message, count in sums.faults:
        yield Fault(code, message, explain(code), count)
