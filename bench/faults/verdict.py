"""Compares what the cloud accepted with what our rows say, replication by replication.

The sandbox's list is the truth. The invariants have the numbers of the house's reliability page:

I1 every accepted call belongs to an attempt · I2 no replication has two · I3 none belongs to a replication that is refused,
withdrawn or given up · I4 no replication counts as accepted without one · I5 the audit only grows and every step in it is
legal · I6 the record ids are the cloud's · I7 nothing is left unclear · I8 every step has somebody who took it · I9 no more
calls came in than attempts were made. I10, that both databases end alike, is shown by running both.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .compression import CLAIM, LATEST_PROCESSING

_ACCEPTED = {"running", "succeeded", "partial"}
_OPEN = {"requested", "submitting", "unconfirmed"}
#: Steps that only people take.
_BY_PEOPLE = {"replication.requested", "replication.rearmed"}
_MAY_HAVE_ARRIVED = {"accepted", "unknown", "abandoned"}


@dataclass
class Verdict:
    """What is wrong, counted, each with a sentence."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    unconfirmed: int = 0
    sentences: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        return not (self.lost or self.doubled or self.wrong)

    def add(self, what: str, sentence: str, number: int = 1) -> None:
        """Count something."""
        setattr(self, what, getattr(self, what) + number)
        self.sentences.append(f"{what}: {sentence}")


def judge(accepted: Iterable[Mapping[str, Any]], received: int) -> Verdict:
    """Compare all of it.

    Args:
        accepted: Calls that the sandbox accepted and that the run is answerable for.
        received: Replicate calls that came in, accepted or not.
    """
    from replication.models import Attempt, Replication

    calls: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for call in accepted:
        calls[call["body"]["replicate"]["vault_id"]].append(call)
    verdict = Verdict()
    # What a look found to be started elsewhere is rightly known, and none of the run's.
    replications = (
        Replication.objects.filter(origin="dashboard")
        .prefetch_related("records", "attempts", "audit_entries")
        .order_by("requested_at")
    )
    for replication in replications.iterator(chunk_size=1000):
        _judge_one(replication, calls.pop(replication.vault_id, []), verdict)
    for vault_id in calls:
        verdict.add("lost", f"vault {vault_id} was replicated, and no row knows (I1)")
    attempts = Attempt.objects.count()
    if received > attempts:
        verdict.add("wrong", f"{received} calls came in, and only {attempts} attempts were made (I9)")
    return verdict


def _judge_one(replication: Any, calls: list[Mapping[str, Any]], verdict: Verdict) -> None:
    name = f"{replication.reference} ({replication.status})"
    if len(calls) > 1:
        verdict.add("doubled", f"{name} was accepted {len(calls)} times (I2)", len(calls) - 1)
    if replication.status in _OPEN:
        verdict.unconfirmed += 1
    if calls and replication.status not in _ACCEPTED and replication.status != "unconfirmed":
        verdict.add("lost", f"{name} was accepted by the cloud (I3)")
    if replication.status in _ACCEPTED and not calls:
        verdict.add("lost", f"{name} counts as accepted, but the cloud has never accepted it (I4)")
    for call in calls:
        if not any(_covers(attempt, call) for attempt in replication.attempts.all()):
            verdict.add("wrong", f"{name} was accepted at {call['at']}, when no attempt was under way (I1)")
    if replication.status in _ACCEPTED and len(calls) == 1:
        _judge_records(replication, calls[0], name, verdict)
    _judge_audit(replication, name, verdict)


def _covers(attempt: Any, call: Mapping[str, Any]) -> bool:
    """Return whether the call can be this attempt's; the cloud's clock may be hours off, its date of the vault is not."""
    at = datetime.fromisoformat(call["real_at"]) if "real_at" in call else None
    may_have = attempt.outcome in _MAY_HAVE_ARRIVED
    latest = attempt.begun_at + timedelta(seconds=CLAIM + LATEST_PROCESSING + 1)
    return may_have and (at is None or attempt.begun_at <= at <= latest)


def _judge_records(replication: Any, call: Mapping[str, Any], name: str, verdict: Verdict) -> None:
    theirs = {
        one["backup_id"]: one["replication_record_id"] for one in call["answer"]["replication"]["backups"]
    }
    ours = {record.backup_id: record.replication_record_id for record in replication.records.all()}
    # Where a lost answer was the only place that told the record ids, they stay empty; wrong they are never.
    if set(ours) != set(theirs) or any(one not in {"", theirs[backup]} for backup, one in ours.items()):
        verdict.add("wrong", f"{name} has the records {ours}, the cloud has {theirs} (I6)")


def _judge_audit(replication: Any, name: str, verdict: Verdict) -> None:
    from replication.lifecycle import TRANSITIONS, ReplicationStatus

    stands = ""
    for entry in sorted(replication.audit_entries.all(), key=lambda one: one.pk):
        if not entry.actor_name or (entry.action in _BY_PEOPLE and entry.actor_id is None):
            verdict.add("wrong", f"{name}: nobody took the step {entry.action} (I8)")
        if not entry.to_status or entry.from_status == entry.to_status:
            continue
        before, after = entry.from_status, ReplicationStatus(entry.to_status)
        if before != stands or (before and after not in TRANSITIONS[ReplicationStatus(before)]):
            verdict.add(
                "wrong", f"{name}: the audit goes from {stands or 'nothing'} by {before} to {after} (I5)"
            )
        stands = entry.to_status
    if stands != replication.status:
        verdict.add("wrong", f"{name}: the audit ends at {stands} (I5)")


def most_frequent(sentences: Iterable[str], number: int = 5) -> list[str]:
    """Return examples of what is wrong, one of each kind first."""
    by_kind: dict[str, str] = {}
    for sentence in sentences:
        by_kind.setdefault(sentence[-5:], sentence)
    return [one for one, _count in Counter(by_kind.values()).most_common(number)]
