"""Many source vaults of one kind at once, for tests that need thousands; asked for under `/_sandbox/vaults`.

The same facts make the same vaults with the same ids, so that the journal keeps one line instead of all of them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from replication.sandbox.entities import SERVER, Backup, Disk, Resource, Vault, derived_id

SYSTEM_DISK_GB = 40
DATA_DISK_GB = 60


def further_vaults(facts: Mapping[str, Any]) -> Iterator[tuple[Vault, list[Backup]]]:
    """Yield healthy vaults for servers, each with backups that may be replicated, the oldest first.

    Args:
        facts: seed, name, number, protect_type (a vault for replicas has no server and no backups), size_gb, backups_each,
            stored_mb (of each backup), project_id, region, user_id, created_at (ISO; the newest backups are an hour
            older, the others a day more each).
    """
    created_at = datetime.fromisoformat(facts["created_at"])
    for name in names_of_further_vaults(facts["name"], facts["number"]):
        vault_id = derived_id(facts["seed"], "further vault", facts["project_id"], name)
        resource = _server(name.removeprefix("vault-"), vault_id, f"{facts['region']}-01")
        vault = Vault(
            id=vault_id,
            name=name,
            project_id=facts["project_id"],
            user_id=facts["user_id"],
            created_at=created_at - timedelta(days=facts["backups_each"] + 1),
            object_type="server",
            protect_type=facts["protect_type"],
            size_gb=facts["size_gb"],
            resources=(resource,) if facts["protect_type"] == "backup" else (),
        )
        yield (
            vault,
            [_backup(vault, facts, age, created_at) for age in reversed(range(facts["backups_each"]))],
        )


def names_of_further_vaults(name: str, number: int) -> list[str]:
    return [f"{name}-{position:05}" for position in range(1, number + 1)]


def _server(name: str, vault_id: str, zone: str) -> Resource:
    return Resource(
        id=derived_id(vault_id, "server"),
        name=name,
        type=SERVER,
        size_gb=SYSTEM_DISK_GB + DATA_DISK_GB,
        zone=zone,
        disks=(
            Disk(derived_id(vault_id, "system"), f"{name}-system", SYSTEM_DISK_GB, system=True),
            Disk(derived_id(vault_id, "data"), f"{name}-data", DATA_DISK_GB, system=False),
        ),
    )


def _backup(vault: Vault, facts: Mapping[str, Any], age_days: int, created_at: datetime) -> Backup:
    return Backup(
        id=derived_id(vault.id, "backup", age_days),
        name=f"autobk_{derived_id(vault.id, age_days)[:4]}",
        project_id=vault.project_id,
        vault_id=vault.id,
        checkpoint_id=derived_id(vault.id, "checkpoint", age_days),
        resource=vault.resources[0],
        created_at=created_at - timedelta(days=age_days, hours=1),
        stored_mb=facts["stored_mb"],
        incremental=age_days + 1 < facts["backups_each"],
    )
