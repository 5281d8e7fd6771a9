"""Asks for replications between vaults of the sandbox, by name."""

import uuid

from replication.models import Vault
from replication.services import triggering
from replication.services.triggering import Wish


def ask(practice, actor, *, source, destination, reason="Recovery exercise", key=None):
    target = Vault.objects.select_related("project__region").get(name=destination)
    wish = Wish(
        source=Vault.objects.select_related("project__region").get(name=source),
        destination=triggering.find_destination(
            region=target.project.region.name, project_id=target.project.project_id, vault_id=target.vault_id
        ),
        reason=reason,
    )
    replication, _created = triggering.request_replication(
        actor=actor, wish=wish, key=key or uuid.uuid4(), now=practice.now()
    )
    return replication
