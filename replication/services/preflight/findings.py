"""The rules that a replication is held against, and what was found of each. Knows no vault and judges nothing.

The rules are those of the user manual's chapters on replicating a vault and on constraints, with the codes of the list of
error codes that describe them. The manual does not say which code answers which rule.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from .wording import Said, Text, restore


class State(TextChoices):
    """What is known of one rule."""

    #: The cloud would refuse.
    BLOCKER = "blocker", _("Blocker")
    #: To be known before sending; the cloud may refuse, or do less than one expects.
    WARNING = "warning", _("Warning")
    #: It cannot be judged from what is known, which is not the same as being fulfilled.
    UNKNOWN = "unknown", _("Cannot be judged")
    #: Fulfilled, as far as the inventory tells.
    OK = "ok", _("OK")


class Rule(TextChoices):
    """Every rule, in the order in which they are shown; the label says what has to hold."""

    OTHER_REGION = "other_region", _("Source and destination are in different regions")
    REGION_PAIR = "region_pair", _("The source region replicates to the destination region")
    PROJECT = "project", _("The destination project exists in the destination region and is enabled")
    SOURCE_EXISTS = "source_exists", _("The source vault exists")
    SOURCE_STATUS = "source_status", _("The source vault is available")
    SOURCE_KIND = "source_kind", _("The source is a backup vault for servers")
    SERVERS = "servers", _("The backups are of servers")
    DESTINATION_EXISTS = "destination_exists", _("The destination vault exists")
    DESTINATION_KIND = "destination_kind", _("The destination is a replication vault")
    SAME_TYPE = "same_type", _("Source and destination vault are of the same type")
    DESTINATION_STATUS = "destination_status", _("The destination vault is available")
    ROOM = "room", _("The destination vault has room, or expands by itself")
    NOT_BUSY = "not_busy", _("No replication of the vault is under way")
    BACKUPS_EXIST = "backups_exist", _("The backups exist")
    BACKUP_STATUS = "backup_status", _("The backups are available")
    NO_REPLICAS = "no_replicas", _("The backups are no replicas themselves")
    SYSTEM_DISK = "system_disk", _("The backups contain the system disk")
    NOT_THERE = "not_there", _("The backups are not in the destination region yet, nor on their way")
    REPLICA_LIMIT = "replica_limit", _("The number of replicas is below the cloud's limit")
    SOMETHING_FIT = "something_fit", _("At least one backup can be replicated")
    PARAMETERS = "parameters", _("The region and the IDs are well formed")
    ONCE = "once", _("A vault is replicated to a region only once")


#: The code whose description fits each rule; rules that are not here have none. Those marked as Huawei's are only in
#: that cloud's list, and possibly answered here as well.
CODES: dict[Rule, str] = {
    Rule.REGION_PAIR: "BackupService.1005",
    Rule.OTHER_REGION: "BackupService.9900",
    Rule.PROJECT: "BackupService.1011",
    Rule.SOURCE_EXISTS: "BackupService.6105",
    Rule.SOURCE_STATUS: "BackupService.6112",
    Rule.SOURCE_KIND: "BackupService.6128",
    Rule.SERVERS: "BackupService.6122",
    Rule.DESTINATION_EXISTS: "BackupService.6120",
    Rule.DESTINATION_KIND: "BackupService.6119",
    Rule.SAME_TYPE: "BackupService.6119",
    Rule.DESTINATION_STATUS: "BackupService.6118",
    Rule.ROOM: "BackupService.6129",
    Rule.NOT_BUSY: "BackupService.6130",
    Rule.BACKUPS_EXIST: "BackupService.6200",
    Rule.NO_REPLICAS: "BackupService.1002",  # Huawei's
    Rule.NOT_THERE: "BackupService.1009",  # Huawei's
    Rule.REPLICA_LIMIT: "BackupService.1012",  # Huawei's
    Rule.SOMETHING_FIT: "BackupService.0001",
    Rule.PARAMETERS: "BackupService.9900",
    Rule.ONCE: "BackupService.1009",  # Huawei's
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a rule. A blocking one means that the cloud would refuse."""

    said: Text | Said
    #: The code that the cloud would probably answer with; empty where none is documented.
    code: str = ""
    state: State = State.WARNING
    #: Null for what is no rule of the cloud.
    rule: Rule | None = None

    @property
    def blocking(self) -> bool:
        """Whether it rules the trigger out."""
        return self.state == State.BLOCKER

    @property
    def text(self) -> str:
        """What was found, in the present language; empty where nothing is to be said."""
        return str(self.said)

    @property
    def title(self) -> Text:
        """What has to hold."""
        return self.rule.label if self.rule else ""

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows of it, as JSON."""
        return {
            "rule": self.rule.value if self.rule else "",
            "state": self.state.value,
            "code": self.code,
            "said": self.said.as_json() if isinstance(self.said, Said) else None,
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> "Finding":
        """Return what `snapshot` has stored."""
        return cls(restore(stored["said"]), stored["code"], State(stored["state"]), Rule(stored["rule"]))


def blocks(rule: Rule, said: Said) -> Finding:
    """Return that the cloud would refuse, with the code that fits the rule."""
    return Finding(said, CODES.get(rule, ""), State.BLOCKER, rule)


def warns(rule: Rule, said: Said) -> Finding:
    """Return something to know before sending, with the code that the cloud may answer."""
    return Finding(said, CODES.get(rule, ""), State.WARNING, rule)


def cannot_tell(rule: Rule, said: Said) -> Finding:
    """Return that what is known does not suffice."""
    return Finding(said, CODES.get(rule, ""), State.UNKNOWN, rule)


def holds(rule: Rule, said: Said | str = "") -> Finding:
    """Return that the rule is fulfilled."""
    return Finding(said, CODES.get(rule, ""), State.OK, rule)
