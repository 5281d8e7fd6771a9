"""The words and facts of a comparison: one backup on one side, two that belong together, and how well a side was read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from replication.models import Backup, CloudReading, Vault

#: How many intervals of the inventory may pass before what it says counts as old.
_OLD_AFTER = 3


class Match(TextChoices):
    """How it is known which backup a replica was made from, the surest first."""

    #: Replication records or the operation log name both ids.
    TOLD = "told", _("the cloud names its source")
    #: Our history saw it arrive, and nothing else fitted.
    SEEN = "seen", _("recognised by server and name when it arrived")
    #: One backup and one replica with the same server and name.
    GUESS = "guess", _("only a guess: same server and name")
    #: Several of them: right in number, not in who is whose.
    ALIKE = "alike", _("not told apart: several have the same server and name")
    #: The server has backups in the source vault; the backup itself was never seen there.
    SERVER = "server", _("only a guess: a server of this vault")


class Keeping(TextChoices):
    """What will remove a replica. A policy's retention leaves alone what was replicated by hand (user manual)."""

    MANUAL = "manual", _("Started by hand: no retention removes it")
    UNKNOWN = "unknown", _("Not known who started it")
    POLICY = "policy", _("Started by a policy: its retention decides")
    EXPIRES = "expires", _("Expires by itself")


class Difference(TextChoices):
    """In what a backup and its replica are not alike."""

    STATE_THERE = "state_there", _("The replica is not available.")
    SIZE = "size", _("The sizes differ.")
    STATE_HERE = "state_here", _("The source backup is not available.")


class Side(NamedTuple):
    """One backup or replica, as last read. `FIELDS` are the columns that it is made from."""

    pk: UUID
    backup_id: str
    name: str
    resource_id: str
    resource_name: str
    #: Size in GB of the resource behind it: an upper bound, since a backup holds only used blocks.
    size_gb: int | None
    status: str
    created_at: datetime | None
    expired_at: datetime | None
    #: When it was first missed; null while the cloud lists it.
    vanished_at: datetime | None

    @property
    def alike(self) -> tuple[str, str]:
        """Server and name: by these a replica is recognised where nobody names its source."""
        return self.resource_id, self.name


FIELDS = (
    *("pk", "backup_id", "name", "resource_id", "resource_name", "resource_size_gb"),
    *("status", "created_at", "expired_at", "vanished_at"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A source backup, its replica, or both, and how they are known to belong together."""

    source: Side | None
    replica: Side | None
    #: Id of the source backup, also where nothing else is known of it any more.
    source_id: str = ""
    #: Null where there is only a source that nothing there resembles.
    match: Match | None = None
    #: Null without a replica.
    keeping: Keeping | None = None
    #: Where it was read who started the replication, and when; empty and null where nobody tells.
    keeping_from: str = ""
    keeping_read_at: datetime | None = None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """In what the two are not alike; nothing to compare without both."""
        if self.source is None or self.replica is None:
            return ()
        found = {
            Difference.STATE_THERE: self.replica.status != Backup.AVAILABLE,
            Difference.SIZE: self.source.size_gb != self.replica.size_gb,
            Difference.STATE_HERE: self.source.status != Backup.AVAILABLE,
        }
        return tuple(difference for difference, is_so in found.items() if is_so)

    @property
    def size_gb(self) -> int | None:
        """Size in GB of what there is of it: the replica where there is one."""
        side = self.replica or self.source
        return side.size_gb if side else None

    @property
    def created_at(self) -> datetime | None:
        """When what there is of it was made: the replica where there is one."""
        side = self.replica or self.source
        return side.created_at if side else None


@dataclass(frozen=True, slots=True)
class Sum:
    """How many, how large together in GB (`untold` of them have no size), and how old the oldest is."""

    count: int
    gb: int
    untold: int
    oldest_at: datetime | None


def sum_of(pairs: Iterable[Pair]) -> Sum:
    """Add up pairs by what there is of each: the replica where there is one."""
    listed = list(pairs)
    sizes = [pair.size_gb for pair in listed]
    made = [pair.created_at for pair in listed if pair.created_at]
    return Sum(
        count=len(listed),
        gb=sum(size for size in sizes if size is not None),
        untold=sizes.count(None),
        oldest_at=min(made, default=None),
    )


class SightState(TextChoices):
    """How well one side could be read."""

    GOOD = "good", _("Read")
    OLD = "old", _("Read long ago")
    FAILED = "failed", _("Cannot be read at the moment")
    NEVER = "never", _("Never read")
    GONE = "gone", _("No longer listed by the cloud")


@dataclass(frozen=True, slots=True)
class Sight:
    """One side of a comparison: the vault, when its project was last read to its end, and how well that went."""

    vault: Vault
    state: SightState
    read_at: datetime | None
    #: Why the last reading failed; empty when it went well.
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether "it is not there" can be said of this side."""
        return self.state == SightState.GOOD

    @property
    def is_blind(self) -> bool:
        """Whether nothing at all is known of this side."""
        return self.state == SightState.NEVER


def sight_of(vault: Vault, reading: CloudReading | None, now: datetime) -> Sight:
    """Say how well a vault could be read. `reading` is that of its project's cloud entry, if one is signed in there."""
    if reading is None or reading.read_at is None:
        error = reading.error if reading else ""
        return Sight(vault, SightState.NEVER, None, error)
    if vault.vanished_at:
        return Sight(vault, SightState.GONE, reading.read_at, reading.error)
    if reading.error:
        return Sight(vault, SightState.FAILED, reading.read_at, reading.error)
    if now - reading.read_at > _OLD_AFTER * settings.REPLICATION_INVENTORY_INTERVAL:
        return Sight(vault, SightState.OLD, reading.read_at)
    return Sight(vault, SightState.GOOD, reading.read_at)
