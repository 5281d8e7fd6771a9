"""The mirror of the cloud's policies: read beside the inventory, and again right after a change of them.

A list that cannot be read changes nothing: the last one stays, with its age and the reason, and hides nothing else.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction

from replication import cloud
from replication.cloud import CbrClient, CloudError
from replication.models import CloudReading, Policy, PolicyVault, Project, Vault

from .mirroring import bring_in_line

logger = logging.getLogger(__name__)


def read(client: CbrClient) -> tuple[cloud.Policy, ...] | CloudError:
    """Return all policies of a project, or why they cannot be read: as without the right to list policies."""
    try:
        return client.list_policies()
    except CloudError as error:
        return error


def keep(
    cloud_name: str, project: Project, seen: tuple[cloud.Policy, ...] | CloudError, now: datetime
) -> None:
    """Store a list of policies as the project's, or why there is none; within the caller's transaction or alone."""
    reading = CloudReading.objects.filter(cloud=cloud_name)
    error = str(seen.message) if isinstance(seen, CloudError) else ""
    if not isinstance(seen, CloudError):
        try:
            with transaction.atomic():
                _store(project, seen, now)
        except (DataError, IntegrityError) as failure:
            error = f"What the cloud answered cannot be stored ({failure})."
    if error:
        logger.warning("policies of %s could not be read: %s", cloud_name, error)
        reading.update(policies_error=error)
    else:
        reading.update(policies_read_at=now, policies_error="")


def _store(project: Project, seen: Iterable[cloud.Policy], now: datetime) -> None:
    listed = {policy.id: policy for policy in seen}
    policies = bring_in_line(
        Policy.objects.filter(project=project).select_related("project"),
        "policy_id",
        {policy.id: {"project": project, **_fields(policy)} for policy in listed.values()},
        now,
    )
    vaults = {vault.vault_id: vault for vault in Vault.objects.filter(project=project)}
    wanted = {
        (policies[policy.id].pk, pair.vault_id): (pair.destination_vault_id[:64], vaults.get(pair.vault_id))
        for policy in listed.values()
        for pair in policy.associated_vaults
    }
    known = {
        (row.policy_id, row.vault_id): row for row in PolicyVault.objects.filter(policy__project=project)
    }
    gone = [row.pk for key, row in known.items() if wanted.get(key) != _pair(row, vaults)]
    PolicyVault.objects.filter(pk__in=gone).delete()
    PolicyVault.objects.bulk_create(
        PolicyVault(policy_id=policy, vault_id=vault_id, destination_vault_id=target, source_vault=vault)
        for (policy, vault_id), (target, vault) in wanted.items()
        if (policy, vault_id) not in known or known[policy, vault_id].pk in gone
    )


def _pair(row: PolicyVault, vaults: dict[str, Vault]) -> tuple[str, Vault | None]:
    """Return what a row says, as `_store` wants it; a vault that the inventory has learnt of since makes it differ."""
    vault = vaults.get(row.vault_id)
    known = vault if vault and vault.pk == row.source_vault_id else None
    return row.destination_vault_id, known


def _fields(policy: cloud.Policy) -> dict[str, Any]:
    kept = policy.retention
    return {
        "name": policy.name,
        "enabled": policy.enabled,
        "operation_type": policy.operation_type,
        "destination_region": policy.destination_region,
        "destination_project_id": policy.destination_project_id,
        "patterns": list(policy.patterns),
        "started_at": policy.started_at,
        "retention_days": kept.retention_days,
        "max_backups": kept.max_backups,
        "day_backups": kept.day_backups,
        "week_backups": kept.week_backups,
        "month_backups": kept.month_backups,
        "year_backups": kept.year_backups,
        "timezone": kept.timezone,
    }
