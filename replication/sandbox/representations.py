"""From the world to the wire: the JSON of each object, as the documentation of the chosen profile lists its fields.

A field that a profile does not document never appears in its answers. Filters, pages and rules are not known here.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from replication.sandbox.entities import (
    PROVIDERS,
    VOLUME,
    Backup,
    OperationLog,
    Policy,
    ReplicationRecord,
    Resource,
    Vault,
)
from replication.sandbox.progress import Stage
from replication.sandbox.switches import Profile
from replication.sandbox.world import World

Document = dict[str, Any]

RECORD_STATUSES = {
    Stage.WAITING: "waiting_replicate",
    Stage.RUNNING: "replicating",
    Stage.SUCCEEDED: "success",
    Stage.FAILED: "fail",
    Stage.SKIPPED: "skip",
    Stage.TIMED_OUT: "fail",
}
SPEC_CODES = {
    "server": "vault.backup.server.normal",
    "disk": "vault.backup.volume.normal",
    "turbo": "vault.backup.turbo.normal",
}


@dataclass(frozen=True, slots=True)
class Representation:
    """Writes objects for one profile as they are at one moment."""

    world: World
    profile: Profile
    now: datetime
    shows_replica_records: bool = False

    @property
    def _is_huawei(self) -> bool:
        return self.profile == "huawei"

    def moment(self, moment: datetime | None) -> str | None:
        """Write a timestamp in the form that the profile's examples show: with a zone (otc) or without (huawei)."""
        if moment is None:
            return None
        if self._is_huawei:
            return moment.replace(tzinfo=None).isoformat(timespec="microseconds")
        return moment.isoformat(timespec="milliseconds")

    def vault(self, vault: Vault) -> Document:
        """API: ListVaults, vaults[]."""
        stored_mb: dict[str, list[int]] = defaultdict(list)
        for backup in self.world.own_backups(vault.id):
            stored_mb[backup.resource.id].append(backup.stored_mb)
        document: Document = {
            "id": vault.id,
            "name": vault.name,
            "description": vault.description,
            "project_id": vault.project_id,
            "provider_id": vault.provider_id,
            "user_id": vault.user_id,
            "created_at": self.moment(vault.created_at),
            "billing": self._billing(vault, self.world.used_mb(vault.id, self.now)),
            "resources": [
                _vault_resource(resource, stored_mb.get(resource.id, [])) for resource in vault.resources
            ],
            "tags": _tags(vault.tags),
            "auto_bind": vault.auto_bind,
            "bind_rules": {"tags": _tags(vault.bind_tags)},
            "auto_expand": vault.auto_expand,
            "locked": vault.locked,
            "enterprise_project_id": "0" if self._is_huawei else 0,
        }
        if self._is_huawei:
            document |= {
                "smn_notify": True,
                "threshold": 80,
                "updated_at": self.moment(vault.created_at),
                "version": "",
                "availability_zone": "",
                "sys_lock_source_service": "",
            }
        return document

    def _billing(self, vault: Vault, used_mb: int) -> Document:
        takes_replicas = vault.protect_type == "replication" and vault.object_type == "server"
        return {
            "allocated": sum(resource.size_gb for resource in vault.resources),
            "charging_mode": "post_paid",
            "cloud_type": "public",
            "consistent_level": "crash_consistent",
            "object_type": vault.object_type,
            "protect_type": vault.protect_type,
            "size": vault.size_gb,
            "spec_code": "vault.replication.server.normal"
            if self._is_huawei and takes_replicas
            else SPEC_CODES[vault.object_type],
            "status": vault.status,
            "storage_unit": None,
            "order_id": None,
            "product_id": None,
            "frozen_scene": "ARREAR" if vault.status == "frozen" else "",
            "used": used_mb,
        }

    def backup(self, backup: Backup, *, with_records: bool = True) -> Document:
        """API: ListBackups, backups[].

        Args:
            backup: The backup, its parts are written inside it.
            with_records: Whether replication records are asked for; profile otc never has them.
        """
        document: Document = {
            "id": backup.id,
            "name": backup.name,
            "description": backup.description,
            "project_id": backup.project_id,
            "vault_id": backup.vault_id,
            "checkpoint_id": backup.checkpoint_id,
            "parent_id": backup.parent_id,
            "resource_id": backup.resource.id,
            "resource_name": backup.resource.name,
            "resource_az": backup.resource.zone,
            "resource_type": backup.resource.type,
            "resource_size": backup.resource.size_gb,
            "provider_id": PROVIDERS[backup.resource.type],
            "image_type": backup.image_type,
            "status": backup.status,
            "created_at": self.moment(backup.created_at),
            "updated_at": self.moment(backup.created_at),
            "protected_at": self.moment(backup.created_at) if backup.status != "protecting" else None,
            "expired_at": self.moment(backup.expires_at),
            "children": [self.backup(child, with_records=with_records) for child in backup.children()],
            "extend_info": self._extend_info(backup),
        }
        if self._is_huawei:
            document |= {"enterprise_project_id": "0", "incremental": backup.incremental, "version": 0}
            if with_records:
                document["replication_records"] = self._records(backup)
        return document

    def _extend_info(self, backup: Backup) -> Document:
        is_volume = backup.resource.type == VOLUME
        return {
            "auto_trigger": backup.automatic,
            "bootable": backup.contains_system_disk,
            "incremental": backup.incremental,
            "snapshot_id": None,
            "support_lld": not is_volume,
            "supported_restore_mode": "na" if backup.parent_id else "backup",
            "os_images_data": [],
            "contain_system_disk": backup.contains_system_disk,
            "encrypted": backup.encrypted,
            "system_disk": is_volume and backup.contains_system_disk,
        }

    def _records(self, backup: Backup) -> list[Document]:
        records = self.world.records_from(backup.id)
        origin = self.world.record_of_replica(backup.id)
        if origin is not None and self.shows_replica_records:
            records = [origin]
        return [self.record(record) for record in records if record.is_visible(self.now)]

    def record(self, record: ReplicationRecord) -> Document:
        """API: ShowBackup (Huawei), backup.replication_records[]."""
        replica_id, replica_checkpoint_id = self._replica_ids(record)
        return {
            "id": record.id,
            "status": RECORD_STATUSES[record.stage(self.now)],
            "created_at": self.moment(record.accepted_at),
            "source_region": record.source_region,
            "source_project_id": record.source_project_id,
            "source_checkpoint_id": self.world.replicated_backup(record).checkpoint_id,
            "source_backup_id": record.backup_id,
            "vault_id": record.vault_id,
            "destination_region": record.destination_region,
            "destination_project_id": record.destination_project_id,
            "destination_vault_id": record.destination_vault_id,
            "destination_checkpoint_id": replica_checkpoint_id,
            "destination_backup_id": replica_id,
            "extra_info": {
                "progress": record.progress_percent(self.now),
                "fail_code": record.code if not record.is_underway(self.now) else "",
                "fail_reason": record.reason if not record.is_underway(self.now) else "",
                "auto_trigger": record.auto_trigger,
                "destination_vault_id": record.destination_vault_id,
            },
        }

    def _replica_ids(self, record: ReplicationRecord) -> tuple[str, str]:
        if record.has_arrived(self.now):
            return record.replica_id, record.replica_checkpoint_id
        return "", ""

    def operation_log(self, log: OperationLog) -> Document:
        """API: ListOpLogs, operation_logs[]; a replication has one for each backup."""
        document: Document = {
            "id": log.id,
            "project_id": log.project_id,
            "vault_id": log.vault_id,
            "vault_name": self.world.vault_name(log.vault_id),
            "policy_id": log.policy_id,
            "provider_id": log.provider_id,
            "checkpoint_id": log.checkpoint_id,
            "operation_type": log.operation_type,
            "status": log.status,
            "created_at": self.moment(log.created_at),
            "started_at": self.moment(log.started_at),
            "ended_at": self.moment(log.ended_at),
            "updated_at": self.moment(log.ended_at or log.started_at or log.created_at),
            "error_info": {"code": log.error_code, "message": log.error_message},
        }
        extra_info = {
            "common": {
                "progress": log.progress_percent,
                "request_id": log.request_id,
                "task_id": log.task_id,
            },
            "resource": {
                "id": log.resource.id,
                "name": log.resource.name,
                "type": log.resource.type,
                "extra_info": "{}",
            },
            "backup": {
                "backup_id": log.backup_id,
                "backup_name": log.backup_name,
                "incremental": "true" if log.incremental else "false",
            },
        }
        if self._is_huawei and log.record is not None:
            extra_info["replication"] = self._replication_info(log.record)
        return document | {"extra_info": extra_info}

    def _replication_info(self, record: ReplicationRecord) -> Document:
        replica_id, replica_checkpoint_id = self._replica_ids(record)
        backup = self.world.replicated_backup(record)
        return {
            "source_backup_id": record.backup_id,
            "source_region": record.source_region,
            "source_project_id": record.source_project_id,
            "source_checkpoint_id": backup.checkpoint_id,
            "source_backup_name": backup.name,
            "destination_region": record.destination_region,
            "destination_project_id": record.destination_project_id,
            "destination_backup_id": replica_id,
            "destination_checkpoint_id": replica_checkpoint_id,
            "destination_backup_name": record.replica_name if replica_id else "",
        }

    def policy(self, policy: Policy) -> Document:
        """API: ListPolicies, policies[]."""
        return {
            "id": policy.id,
            "name": policy.name,
            "enabled": policy.enabled,
            "operation_type": policy.operation_type,
            "operation_definition": dict(policy.definition),
            "trigger": {
                "id": policy.trigger_id,
                "name": "default",
                "type": "time",
                "properties": {
                    "pattern": list(policy.patterns),
                    "start_time": self.moment(policy.created_at),
                },
            },
            "associated_vaults": [
                {"vault_id": vault_id, "destination_vault_id": destination_vault_id or None}
                for vault_id, destination_vault_id in policy.vaults
            ],
        }


def _tags(tags: Mapping[str, str]) -> list[Document]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _vault_resource(resource: Resource, stored_mb: list[int]) -> Document:
    return {
        "id": resource.id,
        "name": resource.name,
        "type": resource.type,
        "size": resource.size_gb,
        "backup_size": sum(stored_mb),
        "backup_count": len(stored_mb),
        "protect_status": resource.protect_status,
        "extra_info": {"exclude_volumes": []},
    }
