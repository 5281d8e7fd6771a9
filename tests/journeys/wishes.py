"""Asks for replications between vaults of the sandbox, by name."""

import uuid

from replication.models import Backup, Vault
from replication.services import triggering
from replication.services.triggering import Wish


def ask(
    practice, actor, *, source, destination, reason="Recovery exercise", key=None, backup=None, **replica
):
    """Ask for a whole vault, or for one backup of it by its id; `replica` holds the name and the description."""
    target = Vault.objects.select_related("project__region").get(name=destination)
    vault = Vault.objects.select_related("project__region").get(name=source)
    wish = Wish(
        source=vault,
        destination=triggering.find_destination(
            region=target.project.region.name, project_id=target.project.project_id, vault_id=target.vault_id
        ),
        reason=reason,
        backup=Backup.objects.select_related("vault__project__region").get(vault=vault, backup_id=backup)
        if backup
        else None,
        **replica,
    )
    replication, _created = triggering.request_replication(
        actor=actor, wish=wish, key=key or uuid.uuid4(), now=practice.now()
    )
    return replication


def backups_of(source):
    """Return the ids of the backups of a vault that can be replicated, the newest first."""
    fit = Backup.objects.present().filter(vault__name=source, status="available", contain_system_disk=True)
    return list(fit.order_by("-created_at", "backup_id").values_list("backup_id", flat=True))
