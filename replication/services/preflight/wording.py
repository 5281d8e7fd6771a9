"""The sentences of the forecast: kept as a key with its parameters, and put into words only for a reader.

A saved check is read by people of other languages than its author's, so that no finished sentence is ever stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    #: A text, or one that is translated when it is shown.
    Text = str | _StrPromise
else:
    Text = str

#: What a parameter of a sentence may be: it is stored as JSON.
Value = str | int

TEXTS: dict[str, Any] = {
    # A backup, and why it would not be replicated.
    "backup.replica": _("It is a replica, and replicas cannot be replicated again."),
    "backup.not_a_server": _("It is not a backup of a server."),
    "backup.status": _("Its status is “%(status)s”, not “available”."),
    "backup.no_system_disk": _("It does not contain the server's system disk."),
    "backup.there": _("It was replicated to this region before."),
    "backup.copying_here": _("A replication of this dashboard is copying it to this region."),
    "backup.copying": _("The cloud was copying it to this region when it was last read."),
    # A single backup.
    "single.gone": _("The cloud no longer lists the backup."),
    "single.there": _(
        "A replica of this backup is in the region already, or on its way. It can be replicated there again only once that "
        "replica is deleted."
    ),
    "single.maybe_there": _(
        "This backup was replicated to the region before, and whether its replica is still there cannot be seen from here. "
        "If it is, the cloud refuses."
    ),
    # The source vault.
    "source.gone": _("The cloud no longer lists it."),
    "source.replicas": _("It holds replicas, and replicas cannot be replicated again."),
    "source.type": _("It holds backups of type “%(type)s”; only vaults for servers can be replicated."),
    "vault.status": _("Its status is “%(status)s”, not “available”."),
    "vault.gone": _("The cloud no longer lists the vault, so this cannot be judged."),
    # The regions and the project.
    "region.same": _("A vault cannot be replicated within its own region."),
    "region.pair": _("%(source)s does not replicate to %(destination)s."),
    "region.untold": _("The cloud has not told where %(source)s replicates to."),
    "project.elsewhere": _("The destination project is in %(region)s, not in %(chosen)s."),
    "project.gone": _("The account no longer lists the destination project, or it is disabled."),
    "project.unknown": _("The account's projects, as far as they have been read, do not include it."),
    # The destination vault.
    "destination.gone": _("The cloud no longer lists it."),
    "destination.kind": _("It is not a replication vault."),
    "destination.type": _("It takes backups of type “%(type)s”, the source vault holds type “%(source)s”."),
    "destination.full": _("It is full."),
    "destination.full_expands": _(
        "It is full and expands by itself, by 25 %%. The cloud does not do so where that was switched on only after the "
        "vault was full."
    ),
    "destination.unknown": _(
        "The destination vault is not in our inventory, so nobody has checked that it exists and has room. "
        "Whether its replicas arrive cannot be checked either."
    ),
    "destination.missing": _(
        "The project %(project)s is read by this dashboard, and it had no vault with this ID when it was last read."
    ),
    "destination.not_read": _("The destination vault is not in our inventory."),
    # Its room.
    "room.untold": _("The cloud did not tell how large it is, or how full."),
    "room.sizes": ngettext_lazy(
        "The size of %(count)d backup is not known.", "The sizes of %(count)d backups are not known.", "count"
    ),
    "room.tight": ngettext_lazy(
        "The destination vault has %(free)d GB left; the server behind the backup has %(total)d GB of disks. "
        "It may not fit.",
        "The destination vault has %(free)d GB left; the servers behind the %(count)d backups have %(total)d GB "
        "of disks in all. They may not fit.",
        "count",
    ),
    "room.expands": _(
        "It has %(free)d GB left for at most %(total)d GB. When it is full, the cloud adds 25 %%, which is %(more)d GB."
    ),
    "room.tight_expanded": _(
        "It has %(free)d GB left for at most %(total)d GB. Even with the 25 %% that the cloud adds when it is full, which is "
        "%(more)d GB, they may not fit."
    ),
    # What is under way.
    "busy.here": _("Replication %(reference)s of this vault to %(region)s is not over."),
    "busy.elsewhere": _(
        "Replication %(reference)s of this vault to %(region)s is not over. The cloud may refuse a second one of the same "
        "vault until then."
    ),
    "busy.cloud": ngettext_lazy(
        "The cloud was copying %(count)d backup of this vault when it was last read.",
        "The cloud was copying %(count)d backups of this vault when it was last read.",
        "count",
    ),
    "busy.untold": _(
        "None of this dashboard is under way. Whether one was started elsewhere is not known: this cloud does not tell it "
        "with the backups."
    ),
    # The backups, all of them together.
    "backups.none": _("The vault has no backups, so there is nothing to judge."),
    "backups.no_type": ngettext_lazy(
        "For %(count)d backup the cloud did not tell what it is of.",
        "For %(count)d backups the cloud did not tell what they are of.",
        "count",
    ),
    "backups.not_servers": ngettext_lazy(
        "%(count)d backup is not of a server and is left out.",
        "%(count)d backups are not of servers and are left out.",
        "count",
    ),
    "backups.status": ngettext_lazy(
        "%(count)d backup is not “available” and is left out.",
        "%(count)d backups are not “available” and are left out.",
        "count",
    ),
    "backups.replicas": ngettext_lazy(
        "%(count)d backup is itself a replica and is left out.",
        "%(count)d backups are themselves replicas and are left out.",
        "count",
    ),
    "backups.no_system_disk": ngettext_lazy(
        "%(count)d backup lacks the server's system disk and is left out.",
        "%(count)d backups lack the server's system disk and are left out.",
        "count",
    ),
    "backups.system_disk_untold": ngettext_lazy(
        "For %(count)d backup the cloud did not tell whether it has the system disk.",
        "For %(count)d backups the cloud did not tell whether they have the system disk.",
        "count",
    ),
    "backups.all_there": _(
        "Every backup that can be replicated is in this region already: nothing would be copied."
    ),
    "backups.all_there_or_coming": _(
        "Every backup that can be replicated is in this region already or on its way: nothing would be copied."
    ),
    "backups.some_there": ngettext_lazy(
        "%(count)d backup is there already or on its way and is left out.",
        "%(count)d backups are there already or on their way and are left out.",
        "count",
    ),
    "backups.there_untold": _(
        "Our own history has nothing of them in this region. What was replicated elsewhere is not known: this cloud does "
        "not tell it with the backups."
    ),
    "backups.nothing_fit": _("The vault has no backup that can be replicated."),
    "backups.nothing": _("The vault has no backups."),
    "backups.limit": _("The limit is not documented, and the cloud tells it only by refusing."),
    # The request itself.
    "request.region": _("“%(region)s” cannot be the name of a region."),
    "request.vault_id": _("The destination vault ID is not a UUID, as the IDs of vaults are."),
    "once.again": _(
        "This vault was replicated to %(region)s before. The user manual says that a vault can be replicated to a region only "
        "once, and elsewhere that new backups are still replicated: the cloud may refuse it."
    ),
    "once.untold": _(
        "No earlier replication of this vault to %(region)s is known, but one from before this dashboard may exist."
    ),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as it is stored: becomes words in the reader's language when it is shown."""

    key: str
    params: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        """Put it into the words of the present language."""
        text = TEXTS.get(self.key)
        # A check of a newer or older version may know sentences that we do not.
        return self.key if text is None else str(text % dict(self.params))

    def as_json(self) -> list[Any]:
        """Return what `restore` reads."""
        return [self.key, dict(self.params)]


def say(key: str, **params: Value) -> Said:
    """Return a sentence of the catalogue.

    Raises:
        KeyError: the catalogue has no such sentence.
    """
    if key not in TEXTS:
        raise KeyError(key)
    return Said(key, params)


def restore(stored: object) -> "Said | str":
    """Return what `as_json` has stored; an empty text for nothing."""
    if isinstance(stored, list) and stored:
        return Said(str(stored[0]), stored[1] if len(stored) > 1 else {})
    return ""
