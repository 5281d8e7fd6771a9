"""The rules about what is replicated: the backups, what is known of earlier replications, and the room for it. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from replication.lifecycle import RECORD_FINAL
from replication.models import Backup, Project, Replication, Vault

from .findings import Finding, Rule, blocks, cannot_tell, holds, warns
from .places import Destination, judge_full
from .verdicts import BackupVerdict, Verdict, is_for_a_server
from .wording import say

#: By how much the cloud enlarges a vault that is full and expands by itself. OTC user manual, "Expanding Vault Capacity".
EXPANSION_PERCENT = 25


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the vaults and the backups.

    Args:
        replicated: Ids of backups of the source vault that our history has replicated to the region.
        copying: Ids of those that a replication of ours is copying there.
        under_way: Our replications of the source vault, to whatever region, that are not over.
        project: The destination project, if the inventory has it.
    """

    replicated: Collection[str] = ()
    copying: Collection[str] = ()
    under_way: Sequence[Replication] = ()
    project: Project | None = None

    @classmethod
    def of(
        cls, records: Mapping[str, str], *, under_way: Sequence[Replication], project: Project | None
    ) -> "Known":
        """Return it from the statuses of our records, by backup id; without those that came to nothing."""
        return cls(
            replicated={backup for backup, status in records.items() if status in RECORD_FINAL},
            copying={backup for backup, status in records.items() if status not in RECORD_FINAL},
            under_way=under_way,
            project=project,
        )


@dataclass(frozen=True, slots=True)
class Size:
    """How much would be copied at most, in GB: the disks of the servers, of which only used blocks are copied."""

    count: int
    known_gb: int
    #: How many backups have a size that the cloud did not tell.
    unknown: int

    @property
    def known_mb(self) -> int:
        """What is known of it, in MB."""
        return self.known_gb * 1024

    @classmethod
    def of(cls, verdicts: Sequence[BackupVerdict]) -> "Size":
        """Add up the backups that would be replicated."""
        sizes = [one.backup.resource_size_gb for one in verdicts if one.verdict == Verdict.REPLICATE]
        known = [size for size in sizes if size is not None]
        return cls(len(sizes), sum(known), len(sizes) - len(known))

    @property
    def total_gb(self) -> int | None:
        """The whole of it; null when one of the sizes is not known."""
        return None if self.unknown else self.known_gb


def busy_rule(destination: Destination, known: Known, backups: Sequence[Backup]) -> Finding:
    """Say whether a replication of the vault is under way, by our own history and by the cloud's records."""
    here = [one for one in known.under_way if one.destination_region == destination.region]
    for one in here:
        return blocks(Rule.NOT_BUSY, say("busy.here", reference=one.reference, region=one.destination_region))
    for one in known.under_way:
        # Whether the cloud refuses a second one to another region is not documented.
        return warns(
            Rule.NOT_BUSY, say("busy.elsewhere", reference=one.reference, region=one.destination_region)
        )
    if copied := sum(bool(backup.copying_to) for backup in backups):
        # A warning only: the mirror is minutes old, and it may be over.
        return warns(Rule.NOT_BUSY, say("busy.cloud", count=copied))
    if not _is_told(backups):
        return cannot_tell(Rule.NOT_BUSY, say("busy.untold"))
    return holds(Rule.NOT_BUSY)


def backup_rules(backups: Sequence[Backup], verdicts: Sequence[BackupVerdict]) -> Iterator[Finding]:
    """Hold the backups against the rules that each has to fulfil, and count those that are left out."""
    yield _of_all(Rule.SERVERS, backups, "backups.not_servers", _not_for_servers(backups), _no_type(backups))
    yield holds(Rule.BACKUPS_EXIST) if backups else cannot_tell(Rule.BACKUPS_EXIST, say("backups.none"))
    yield _of_all(
        Rule.BACKUP_STATUS,
        backups,
        "backups.status",
        sum(backup.status != Backup.AVAILABLE for backup in backups),
    )
    replicas = sum(backup.is_replica for backup in backups)
    yield _of_all(Rule.NO_REPLICAS, backups, "backups.replicas", replicas)
    yield _of_all(
        Rule.SYSTEM_DISK,
        backups,
        "backups.no_system_disk",
        sum(backup.contain_system_disk is False for backup in backups),
        ("backups.system_disk_untold", sum(backup.contain_system_disk is None for backup in backups)),
    )
    yield _not_there_rule(backups, verdicts)
    yield cannot_tell(Rule.REPLICA_LIMIT, say("backups.limit"))
    if any(one.verdict != Verdict.INELIGIBLE for one in verdicts):
        yield holds(Rule.SOMETHING_FIT)
    else:
        yield blocks(Rule.SOMETHING_FIT, say("backups.nothing_fit" if backups else "backups.nothing"))


def _not_for_servers(backups: Sequence[Backup]) -> int:
    return sum(not is_for_a_server(backup) for backup in backups)


def _no_type(backups: Sequence[Backup]) -> tuple[str, int]:
    return "backups.no_type", sum(not backup.resource_type for backup in backups)


def _of_all(
    rule: Rule, backups: Sequence[Backup], sentence: str, left_out: int, untold: tuple[str, int] = ("", 0)
) -> Finding:
    """Return what holds of all of them: the cloud leaves out those that do not fit, and takes the others."""
    if not backups:
        return cannot_tell(rule, say("backups.none"))
    if left_out:
        return warns(rule, say(sentence, count=left_out))
    if untold[1]:
        return cannot_tell(rule, say(untold[0], count=untold[1]))
    return holds(rule)


def _not_there_rule(backups: Sequence[Backup], verdicts: Sequence[BackupVerdict]) -> Finding:
    fit = [one for one in verdicts if one.verdict != Verdict.INELIGIBLE]
    there = [one for one in fit if one.verdict != Verdict.REPLICATE]
    if not fit:
        return cannot_tell(Rule.NOT_THERE, say("backups.nothing_fit" if backups else "backups.none"))
    if len(there) == len(fit):
        coming = any(one.verdict == Verdict.COPYING for one in there)
        return warns(Rule.NOT_THERE, say("backups.all_there_or_coming" if coming else "backups.all_there"))
    if there:
        return holds(Rule.NOT_THERE, say("backups.some_there", count=len(there)))
    if not _is_told(backups):
        return cannot_tell(Rule.NOT_THERE, say("backups.there_untold"))
    return holds(Rule.NOT_THERE)


def _is_told(backups: Sequence[Backup]) -> bool:
    """Return whether the cloud tells of every backup where it was replicated to."""
    return bool(backups) and all(backup.replicated_to is not None for backup in backups)


def once_rule(destination: Destination, known: Known, backups: Sequence[Backup]) -> Finding:
    """Warn of a second replication of the vault to the region; never more, since the manual contradicts itself."""
    region = destination.region
    before = known.replicated or known.copying
    if before or any(region in (backup.replicated_to or ()) for backup in backups):
        return warns(Rule.ONCE, say("once.again", region=region))
    if not _is_told(backups):
        return cannot_tell(Rule.ONCE, say("once.untold", region=region))
    return holds(Rule.ONCE)


def room_rule(vault: Vault | None, size: Size) -> Finding:
    """Say whether what would be copied fits, at most: sizes are upper bounds, so that too little room only warns."""
    if vault is None:
        return cannot_tell(Rule.ROOM, say("destination.not_read"))
    if vault.vanished_at:
        return cannot_tell(Rule.ROOM, say("vault.gone"))
    if full := judge_full(vault):
        return full
    if vault.free_mb is None:
        return cannot_tell(Rule.ROOM, say("room.untold"))
    if vault.free_mb == 0 and size.count:
        return warns(Rule.ROOM, say("destination.full_expands"))
    if size.known_gb * 1024 <= vault.free_mb:
        return (
            cannot_tell(Rule.ROOM, say("room.sizes", count=size.unknown))
            if size.unknown
            else holds(Rule.ROOM)
        )
    return _room_when_expanded(vault, vault.free_mb, size)


def _room_when_expanded(vault: Vault, free_mb: int, size: Size) -> Finding:
    told = {"free": free_mb // 1024, "total": size.known_gb}
    if not vault.auto_expand:
        return warns(Rule.ROOM, say("room.tight", count=size.count, **told))
    more_gb = (vault.size_gb or 0) * EXPANSION_PERCENT // 100
    if size.known_gb * 1024 <= free_mb + more_gb * 1024 and not size.unknown:
        return holds(Rule.ROOM, say("room.expands", more=more_gb, **told))
    return warns(Rule.ROOM, say("room.tight_expanded", more=more_gb, **told))
