"""From the company's table to a world full of vaults, backups and history.

The same seed number gives the same ids, names and sizes; only the days move with the moment the world is founded.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from replication.sandbox.company import (
    BUILT_IN_PROJECT,
    POLICIES,
    PROJECT_NAMES,
    VAULTS,
    PolicyPlan,
    VaultPlan,
)
from replication.sandbox.entities import (
    OBJECT_TYPES,
    SERVER,
    Backup,
    Disk,
    OperationLog,
    Policy,
    Project,
    ReplicationRecord,
    Resource,
    Vault,
    derived_id,
)
from replication.sandbox.world import World

DAYS_OF_LOGS = 30


def found_world(seed: int, scale: int, founded_at: datetime, user_id: str) -> World:
    """Build the world of a seed number.

    Args:
        seed: Decides all ids and sizes.
        scale: How many times the company's vaults are laid out.
        founded_at: The moment before which everything happened.
        user_id: Who made the vaults.
    """
    return _Founder(seed, founded_at, user_id).found(scale)


class _Founder:
    def __init__(self, seed: int, founded_at: datetime, user_id: str) -> None:
        self.seed = seed
        self.founded_at = founded_at
        self.last_night = founded_at.replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=1)
        self.user_id = user_id
        self.world = World()
        self.projects: dict[str, Project] = {}
        self.vaults: dict[str, Vault] = {}

    def found(self, scale: int) -> World:
        for name in (*PROJECT_NAMES, BUILT_IN_PROJECT):
            self.projects[name] = Project(derived_id(self.seed, "project", name).replace("-", ""), name)
            self.world.add_project(self.projects[name])
        for number in range(1, scale + 1):
            self._found_vaults("" if number == 1 else f"-{number:02}")
        for plan in POLICIES:
            self._found_policy(plan)
        return self.world

    def _found_vaults(self, suffix: str) -> None:
        for plan in VAULTS:
            vault = self._vault(plan, suffix)
            self.vaults[vault.name] = vault
            self.world.add_vault(vault)
        for plan in VAULTS:
            vault = self.vaults[plan.name + suffix]
            backups = list(self._backups(plan, vault))
            for backup in backups:
                self.world.add_backup(backup)
                self._log_backup(plan, backup)
            self._replicate_oldest(plan, backups, suffix)
        for plan in VAULTS:
            self._fit_capacity(plan, self.vaults[plan.name + suffix])

    def _vault(self, plan: VaultPlan, suffix: str) -> Vault:
        return Vault(
            id=derived_id(self.seed, "vault", plan.name, suffix),
            name=plan.name + suffix,
            project_id=self.projects[plan.project].id,
            user_id=self.user_id,
            created_at=self.last_night - timedelta(days=200, minutes=VAULTS.index(plan)),
            object_type=plan.object_type,
            protect_type=plan.protect_type,
            size_gb=plan.size_gb,
            status=plan.status,
            resources=tuple(self._resource(plan, machine + suffix) for machine in plan.machines),
            tags=plan.tags,
            locked=plan.locked,
        )

    def _resource(self, plan: VaultPlan, name: str) -> Resource:
        resource_type = OBJECT_TYPES[plan.object_type]
        system_gb = 40
        disks = (
            Disk(derived_id(self.seed, "disk", name, "system"), f"{name}-system", system_gb, system=True),
            Disk(
                derived_id(self.seed, "disk", name, "data"),
                f"{name}-data",
                plan.machine_gb - system_gb,
                system=False,
            ),
        )
        return Resource(
            id=derived_id(self.seed, "resource", name),
            name=name,
            type=resource_type,
            size_gb=plan.machine_gb,
            zone=f"{self.projects[plan.project].region}-0{1 + len(name) % 3}",
            disks=disks if resource_type == SERVER else (),
            protect_status="protecting"
            if plan.statuses and name.startswith(plan.machines[0])
            else "available",
        )

    def _backups(self, plan: VaultPlan, vault: Vault) -> Iterator[Backup]:
        """Yield backups from the newest to the oldest."""
        for position in range(plan.backups):
            night = position // len(vault.resources)
            resource = vault.resources[position % len(vault.resources)]
            chance = Random(f"{self.seed}/{vault.id}/{position}")  # noqa: S311 - decides sizes, guards nothing
            made_at = self.last_night - timedelta(days=night) + timedelta(seconds=chance.randrange(5, 1500))
            automatic = chance.random() < 0.8
            yield Backup(
                id=derived_id(self.seed, "backup", vault.id, position),
                name=f"{'autobk' if automatic else 'manualbk'}_{chance.getrandbits(16):04x}",
                project_id=vault.project_id,
                vault_id=vault.id,
                checkpoint_id=derived_id(self.seed, "checkpoint", vault.id, night),
                resource=replace(resource, protect_status="available"),
                created_at=made_at.replace(microsecond=chance.randrange(1000) * 1000),
                stored_mb=int(plan.stored_gb * 1024 * chance.uniform(0.9, 1.1)),
                status=plan.statuses[position] if position < len(plan.statuses) else "available",
                automatic=automatic,
                expires_at=made_at + timedelta(days=365) if automatic else None,
                contains_system_disk=resource.type == SERVER
                and not plan.backups - plan.without_system_disk <= position,
                encrypted=plan.locked,
                incremental=night % 7 != 0,
                fails_with="BackupService.1006" if position == plan.failing else "",
            )

    def _log_backup(self, plan: VaultPlan, backup: Backup) -> None:
        if backup.created_at < self.founded_at - timedelta(days=DAYS_OF_LOGS):
            return
        failed, busy = backup.status == "error", backup.status == "protecting"
        log = OperationLog(
            id=derived_id(backup.id, "log"),
            task_id=derived_id(backup.id, "task"),
            request_id=f"req-{derived_id(backup.id, 'request')}",
            project_id=backup.project_id,
            operation_type="backup",
            status="failed" if failed else "running" if busy else "success",
            vault_id=backup.vault_id,
            backup_id=backup.id,
            backup_name=backup.name,
            resource=backup.resource,
            checkpoint_id=backup.checkpoint_id,
            policy_id=self._policy_id(plan.name) if backup.automatic else "",
            incremental=backup.incremental,
            created_at=backup.created_at,
            started_at=backup.created_at,
            ended_at=None if busy else backup.created_at + timedelta(minutes=24),
            progress_percent=60 if failed or busy else 100,
            error_code="BackupService.9910" if failed else "",
            error_message="Unknown error." if failed else "",
        )
        self.world.add_log(log)

    def _policy_id(self, vault_name: str, destination_name: str = "") -> str:
        """Name the policy that makes backups in a vault, or replicates it; nothing where there is none."""
        names = (policy.name for policy in POLICIES if (vault_name, destination_name) in policy.vaults)
        name = next(names, "")
        return derived_id(self.seed, "policy", name) if name else ""

    def _replicate_oldest(self, plan: VaultPlan, backups: list[Backup], suffix: str) -> None:
        count, destination_name = plan.replicated
        if not count:
            return
        source = self.vaults[plan.name + suffix]
        destination = self.vaults[destination_name + suffix]
        request_id = f"req-{derived_id(source.id, 'earlier request')}"
        for backup in backups[-count:]:
            accepted_at = backups[-count].created_at + timedelta(hours=3)
            self.world.add_record(
                ReplicationRecord(
                    id=derived_id(backup.id, "record"),
                    log_id=derived_id(backup.id, "replication log"),
                    task_id=derived_id(backup.id, "replication task"),
                    request_id=request_id,
                    vault_id=source.id,
                    backup_id=backup.id,
                    source_region=self.projects[plan.project].region,
                    source_project_id=source.project_id,
                    destination_region=self.world.region_of(destination.project_id),
                    destination_project_id=destination.project_id,
                    destination_vault_id=destination.id,
                    replica_id=derived_id(backup.id, "replica"),
                    replica_checkpoint_id=derived_id(backup.checkpoint_id, "replica"),
                    replica_name=backup.name,
                    replica_description="",
                    auto_trigger=True,
                    accepted_at=accepted_at,
                    visible_at=accepted_at,
                    begins_at=accepted_at + timedelta(seconds=20),
                    ends_at=accepted_at + timedelta(minutes=40),
                    policy_id=self._policy_id(plan.name, destination_name),
                )
            )

    def _fit_capacity(self, plan: VaultPlan, vault: Vault) -> None:
        if plan.size_gb > 0:
            return
        used_gb = self.world.used_mb(vault.id, self.founded_at) // 1024
        self.world.add_vault(
            replace(vault, size_gb=used_gb if plan.size_gb == 0 else used_gb + 1 - plan.size_gb)
        )

    def _found_policy(self, plan: PolicyPlan) -> None:
        policy_id = derived_id(self.seed, "policy", plan.name)
        definition: dict[str, object] = dict(plan.retention)
        if plan.destination:
            target = self.projects[plan.destination]
            definition |= {"destination_region": target.region, "destination_project_id": target.id}
        self.world.policies[policy_id] = Policy(
            id=policy_id,
            trigger_id=derived_id(policy_id, "trigger"),
            name=plan.name,
            project_id=self.projects[plan.project].id,
            operation_type=plan.operation_type,
            enabled=plan.enabled,
            definition=definition,
            patterns=plan.patterns,
            created_at=self.last_night - timedelta(days=190),
            vaults=tuple(
                (self.vaults[source].id, self.vaults[target].id if target else "")
                for source, target in plan.vaults
            ),
        )
