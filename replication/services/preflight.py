"""What the cloud would answer to a trigger, and why, before anything is sent.

Pure rules over the mirror. They speak from what was last read, so they may be out of date; the cloud decides. Rules
and codes follow the user manual's chapters on replicating a vault and on constraints, and the list of error codes.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from replication.models import Backup, Region, Vault

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    #: A text, or one that is translated when it is shown.
    Text = str | _StrPromise
else:
    Text = str


class Verdict(TextChoices):
    """What would happen to one backup."""

    #: It would be replicated.
    REPLICATE = "replicate", _("Will be replicated")
    #: A replica of it is there, or on its way, already.
    ALREADY = "already", _("Already there")
    #: It cannot be replicated.
    INELIGIBLE = "ineligible", _("Cannot be replicated")


@dataclass(frozen=True, slots=True)
class BackupVerdict:
    """One backup, what would happen to it, and why (empty when it would be replicated)."""

    backup: Backup
    verdict: Verdict
    reason: Text = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before sending. A blocking one means that the cloud would refuse."""

    text: Text
    #: The code that the cloud would probably answer with; empty where none is documented.
    code: str = ""
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to: ids as they are sent, and the vault of our inventory if it has it."""

    region: str
    project_id: str
    vault_id: str
    vault: Vault | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a trigger would do, as far as our inventory can tell."""

    findings: tuple[Finding, ...]
    verdicts: tuple[BackupVerdict, ...]

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """Findings that rule the trigger out."""
        return tuple(finding for finding in self.findings if finding.blocking)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings to know about."""
        return tuple(finding for finding in self.findings if not finding.blocking)

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
    def ineligible(self) -> tuple[BackupVerdict, ...]:
        """The backups that cannot be replicated."""
        return self.of(Verdict.INELIGIBLE)

    @property
    def total_gb(self) -> int | None:
        """Size in GB of the resources behind the backups to replicate; null when one of them is not known.

        An upper bound for what is copied: a backup holds only used blocks.
        """
        sizes = [one.backup.resource_size_gb for one in self.to_replicate]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def as_json(self) -> dict[str, object]:
        """Return what is kept with the replication: counts, GB and the ids behind each verdict."""
        return {
            "total_gb": self.total_gb,
            **{verdict.value: [one.backup.backup_id for one in self.of(verdict)] for verdict in Verdict},
            "codes": [finding.code for finding in self.findings if finding.code],
        }


def judge_backup(backup: Backup, region: str, replicated: Collection[str]) -> BackupVerdict:
    """Say what a replication to `region` would do with one backup.

    `replicated` holds the ids of backups that our own history has replicated there.
    """
    reason: Text = ""
    if backup.is_replica:
        reason = _("It is a replica, and replicas cannot be replicated again.")
    elif backup.resource_type and backup.resource_type != Backup.SERVER_RESOURCE:
        reason = _("It is not a backup of a server.")
    elif backup.status != Backup.AVAILABLE:
        reason = _("Its status is “%(status)s”, not “available”.") % {"status": backup.status}
    elif backup.contain_system_disk is False:
        reason = _("It does not contain the server's system disk.")
    if reason:
        return BackupVerdict(backup, Verdict.INELIGIBLE, reason)
    if backup.backup_id in replicated or region in (backup.replicated_to or ()):
        return BackupVerdict(backup, Verdict.ALREADY, _("It was replicated to this region before."))
    return BackupVerdict(backup, Verdict.REPLICATE)


def judge_source(vault: Vault) -> Finding | None:
    """Say why no replication can start from this vault, or return `None` if one can, as far as the vault tells."""
    if vault.vanished_at:
        return _blocker(_("The cloud no longer lists it."), "BackupService.6105")
    if vault.is_replication_vault:
        return _blocker(
            _("It holds replicas, and replicas cannot be replicated again."), "BackupService.6128"
        )
    if vault.object_type != Vault.SERVER:
        return _blocker(
            _("It holds backups of type “%(type)s”; only vaults for servers can be replicated.")
            % {"type": vault.object_type},
            "BackupService.6128",
        )
    if vault.status != Vault.AVAILABLE:
        return _blocker(
            _("Its status is “%(status)s”, not “available”.") % {"status": vault.status}, "BackupService.6112"
        )
    return None


def judge_destination(vault: Vault, source: Vault | None) -> Finding | None:
    """Say why this vault cannot receive replicas (of `source`), or return `None` if it can."""
    if vault.vanished_at:
        return _blocker(_("The cloud no longer lists it."), "BackupService.6120")
    if not vault.is_replication_vault:
        return _blocker(_("It is not a replication vault."), "BackupService.6119")
    if source and vault.object_type != source.object_type:
        return _blocker(
            _("It takes backups of type “%(type)s”, the source vault holds type “%(source)s”.")
            % {"type": vault.object_type, "source": source.object_type},
            "BackupService.6119",
        )
    if vault.status != Vault.AVAILABLE:
        return _blocker(
            _("Its status is “%(status)s”, not “available”.") % {"status": vault.status}, "BackupService.6118"
        )
    if vault.free_mb == 0 and not vault.auto_expand:
        return _blocker(_("It is full."), "BackupService.6129")
    return None


def judge_region(source: Region, destination: str) -> Finding | None:
    """Say why `source` cannot replicate to the region, or return `None` if it can."""
    if destination == source.name:
        return _blocker(_("A vault cannot be replicated within its own region."), "BackupService.9900")
    if source.replication_destinations is not None and destination not in source.replication_destinations:
        return _blocker(
            _("%(source)s does not replicate to %(destination)s.")
            % {"source": source.name, "destination": destination},
            "BackupService.1005",
        )
    return None


def forecast(
    source: Vault, destination: Destination, backups: Iterable[Backup], replicated: Collection[str]
) -> Forecast:
    """Say what a trigger would do.

    `backups` are the present ones of the source vault; `replicated` as in `judge_backup`.
    """
    verdicts = tuple(judge_backup(backup, destination.region, replicated) for backup in backups)
    seen = Forecast((), verdicts)
    findings = [
        judge_source(source),
        judge_region(source.project.region, destination.region),
        _judge_choice(destination, source),
        _judge_backups(seen),
        _judge_room(seen, destination.vault),
    ]
    return Forecast(tuple(finding for finding in findings if finding), verdicts)


def _judge_choice(destination: Destination, source: Vault) -> Finding | None:
    if destination.vault:
        return judge_destination(destination.vault, source)
    return Finding(
        _(
            "The destination vault is not in our inventory, so nobody has checked that it exists and has room. "
            "Whether its replicas arrive cannot be checked either."
        )
    )


def _judge_backups(seen: Forecast) -> Finding | None:
    if seen.to_replicate:
        return None
    if seen.already_there:
        return Finding(
            _("Every backup that can be replicated is in this region already: nothing would be copied.")
        )
    return _blocker(
        _("The vault has no backup that can be replicated.")
        if seen.verdicts
        else _("The vault has no backups."),
        "BackupService.0001",
    )


def _judge_room(seen: Forecast, vault: Vault | None) -> Finding | None:
    if vault is None or vault.free_mb is None or seen.total_gb is None:
        return None
    if vault.auto_expand or vault.free_mb == 0 or seen.total_gb * 1024 <= vault.free_mb:
        return None
    return Finding(
        ngettext_lazy(
            "The destination vault has %(free)d GB left; the server behind the backup has %(total)d GB of disks. "
            "It may not fit.",
            "The destination vault has %(free)d GB left; the servers behind the %(count)d backups have %(total)d GB "
            "of disks in all. They may not fit.",
            "count",
        )
        % {"free": vault.free_mb // 1024, "total": seen.total_gb, "count": len(seen.to_replicate)},
        code="BackupService.6129",
    )


def _blocker(text: Text, code: str) -> Finding:
    return Finding(text, code=code, blocking=True)
