"""What would happen to one backup, and why. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from replication.models import Backup

from .wording import Said, Text, restore, say


class Verdict(TextChoices):
    """What would happen to one backup."""

    #: It would be replicated.
    REPLICATE = "replicate", _("Will be replicated")
    #: A replica of it is there already.
    ALREADY = "already", _("Already there")
    #: Its replica is on its way.
    COPYING = "copying", _("Being copied")
    #: It cannot be replicated.
    INELIGIBLE = "ineligible", _("Cannot be replicated")


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """What a saved check keeps of a backup: enough to recognise it after it has expired."""

    backup_id: str
    name: str
    resource_name: str
    resource_size_gb: int | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class BackupVerdict:
    """One backup, what would happen to it, and why (empty when it would be replicated)."""

    backup: Backup | KeptBackup
    verdict: Verdict
    said: Text | Said = ""

    @property
    def reason(self) -> str:
        """Why, in the present language."""
        return str(self.said)

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows of it, as JSON."""
        one = self.backup
        return {
            "verdict": self.verdict.value,
            "said": self.said.as_json() if isinstance(self.said, Said) else None,
            "backup_id": one.backup_id,
            "name": one.name,
            "resource_name": one.resource_name,
            "resource_size_gb": one.resource_size_gb,
            "created_at": one.created_at.isoformat() if one.created_at else None,
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> "BackupVerdict":
        """Return what `snapshot` has stored."""
        created_at = stored["created_at"]
        return cls(
            KeptBackup(
                backup_id=stored["backup_id"],
                name=stored["name"],
                resource_name=stored["resource_name"],
                resource_size_gb=stored["resource_size_gb"],
                created_at=parse_datetime(created_at) if created_at else None,
            ),
            Verdict(stored["verdict"]),
            restore(stored["said"]),
        )


def is_for_a_server(backup: Backup) -> bool:
    """Return whether it is a backup of a server, as far as the cloud told."""
    return not backup.resource_type or backup.resource_type == Backup.SERVER_RESOURCE


def judge_backup(
    backup: Backup, region: str, replicated: Collection[str], copying: Collection[str] = ()
) -> BackupVerdict:
    """Say what a replication to `region` would do with one backup.

    `replicated` holds the ids of backups that our own history has replicated there, `copying` of those that a
    replication of ours is copying there. Ours is the newer knowledge: the mirror is minutes old.
    """
    if reason := _unfit(backup):
        return BackupVerdict(backup, Verdict.INELIGIBLE, reason)
    if backup.backup_id in copying:
        return BackupVerdict(backup, Verdict.COPYING, say("backup.copying_here"))
    if backup.backup_id in replicated:
        return BackupVerdict(backup, Verdict.ALREADY, say("backup.there"))
    if region in (backup.copying_to or ()):
        return BackupVerdict(backup, Verdict.COPYING, say("backup.copying"))
    if region in (backup.replicated_to or ()):
        return BackupVerdict(backup, Verdict.ALREADY, say("backup.there"))
    return BackupVerdict(backup, Verdict.REPLICATE)


def _unfit(backup: Backup) -> Said | None:
    if backup.is_replica:
        return say("backup.replica")
    if not is_for_a_server(backup):
        return say("backup.not_a_server")
    if backup.status != Backup.AVAILABLE:
        return say("backup.status", status=backup.status)
    if backup.contain_system_disk is False:
        return say("backup.no_system_disk")
    return None
