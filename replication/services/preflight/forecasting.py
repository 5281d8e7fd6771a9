"""The forecast: every rule with what was found of it, and a verdict for every backup. Pure.

The rules speak from the mirror, so the forecast may be out of date; the cloud decides.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from replication.models import Backup, Vault

from . import places, stock
from .findings import Finding, Rule, State
from .places import Destination
from .stock import Known, Size
from .verdicts import BackupVerdict, Verdict, judge_backup

_ORDER = {rule: place for place, rule in enumerate(Rule)}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a trigger would do, as far as our inventory can tell."""

    #: One for each rule, in their order.
    rules: tuple[Finding, ...]
    verdicts: tuple[BackupVerdict, ...]

    def found(self, *states: State) -> tuple[Finding, ...]:
        """Return the rules of which this is known."""
        return tuple(finding for finding in self.rules if finding.state in states)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Blockers and warnings: what to know before sending."""
        return self.found(State.BLOCKER, State.WARNING)

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """Findings that rule the trigger out."""
        return self.found(State.BLOCKER)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings to know about."""
        return self.found(State.WARNING)

    @property
    def unknowns(self) -> tuple[Finding, ...]:
        """Rules that cannot be judged from what is known."""
        return self.found(State.UNKNOWN)

    @property
    def fulfilled(self) -> tuple[Finding, ...]:
        """Rules that hold."""
        return self.found(State.OK)

    def of(self, verdict: Verdict) -> tuple[BackupVerdict, ...]:
        """Return the backups with this verdict."""
        return tuple(one for one in self.verdicts if one.verdict == verdict)

    @property
    def to_replicate(self) -> tuple[BackupVerdict, ...]:
        """The backups that would be replicated."""
        return self.of(Verdict.REPLICATE)

    @property
    def already_there(self) -> tuple[BackupVerdict, ...]:
        """The backups that need no replica any more."""
        return self.of(Verdict.ALREADY)

    @property
    def being_copied(self) -> tuple[BackupVerdict, ...]:
        """The backups whose replicas are on their way."""
        return self.of(Verdict.COPYING)

    @property
    def ineligible(self) -> tuple[BackupVerdict, ...]:
        """The backups that cannot be replicated."""
        return self.of(Verdict.INELIGIBLE)

    @property
    def size(self) -> Size:
        """How much would be copied at most."""
        return Size.of(self.verdicts)

    @property
    def total_gb(self) -> int | None:
        """Size in GB of the resources behind the backups to replicate; null when one of them is not known.

        An upper bound for what is copied: a backup holds only used blocks.
        """
        return self.size.total_gb

    def as_json(self) -> dict[str, object]:
        """Return what is kept with the replication: counts, GB and the ids behind each verdict."""
        return {
            "total_gb": self.total_gb,
            **{verdict.value: [one.backup.backup_id for one in self.of(verdict)] for verdict in Verdict},
            "codes": [finding.code for finding in self.findings if finding.code],
        }

    @property
    def digest(self) -> str:
        """A short text that differs as soon as a backup's verdict, or what is known of a rule, does."""
        told = (
            sorted((one.backup.backup_id, one.verdict.value) for one in self.verdicts),
            [(finding.rule, finding.state.value) for finding in self.rules],
        )
        return hashlib.blake2s(repr(told).encode(), digest_size=8).hexdigest()

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows of it, as JSON."""
        return {
            "rules": [finding.snapshot() for finding in self.rules],
            "verdicts": [one.snapshot() for one in self.verdicts],
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> "Forecast":
        """Return what `snapshot` has stored."""
        return cls(
            tuple(Finding.restore(one) for one in stored["rules"]),
            tuple(BackupVerdict.restore(one) for one in stored["verdicts"]),
        )


def forecast(source: Vault, destination: Destination, backups: Iterable[Backup], known: Known) -> Forecast:
    """Say what a trigger would do.

    `backups` are the present ones of the source vault.
    """
    held = tuple(backups)
    verdicts = tuple(
        judge_backup(backup, destination.region, known.replicated, known.copying) for backup in held
    )
    vault = destination.vault
    rules = [
        *places.region_rules(source.project.region, destination.region),
        places.project_rule(destination, known.project),
        *places.source_rules(source),
        *(
            places.destination_rules(vault, source)
            if vault
            else places.unseen_destination_rules(known.project)
        ),
        places.parameters_rule(destination),
        stock.room_rule(vault, Size.of(verdicts)),
        stock.busy_rule(destination, known, held),
        *stock.backup_rules(held, verdicts),
        stock.once_rule(destination, known, held),
    ]
    return Forecast(in_order(rules), verdicts)


def in_order(rules: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in the order of the rules."""
    return tuple(sorted(rules, key=_place))


def _place(finding: Finding) -> int:
    return _ORDER[finding.rule] if finding.rule else len(_ORDER)
