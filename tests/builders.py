"""Rows for tests, one plain function a model, every default visible."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group, User

from replication.cloud import Backup as CloudBackup
from replication.models import (
    Attempt,
    Backup,
    Batch,
    CloudReading,
    Evidence,
    OperationLog,
    Policy,
    PolicyChange,
    Project,
    ProtectedServer,
    RateCard,
    RecoveryTarget,
    Region,
    ReplicaOrigin,
    Replication,
    ReplicationRecord,
    SavedView,
    Vault,
    VaultDay,
)
from replication.services import checking
from replication.services.evidence import Sighting
from replication.services.preflight import Destination

#: The moment at which tests happen, where they choose it.
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def a_user(name, *roles):
    user = User.objects.create_user(name, password=f"{name}'s long password")
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def a_region(name="eu-de", *, replicates_to=("eu-nl",)):
    region, _created = Region.objects.get_or_create(
        name=name,
        defaults={
            "replication_destinations": list(replicates_to) if replicates_to is not None else None,
            "seen_at": NOW,
        },
    )
    return region


def a_project(name="eu-de_production", *, region=None, cloud="sandbox-production", project_id=None, **fields):
    region = region or a_region(
        name.split("_")[0], replicates_to=("eu-nl",) if name.startswith("eu-de") else ("eu-de",)
    )
    project, _created = Project.objects.get_or_create(
        name=name,
        defaults={
            "region": region,
            "cloud": cloud,
            "project_id": project_id or uuid.uuid5(uuid.NAMESPACE_DNS, name).hex,
            "seen_at": NOW,
            **fields,
        },
    )
    if cloud:
        CloudReading.objects.get_or_create(
            cloud=cloud,
            defaults={"project": project, "read_at": NOW, "refresh_after": NOW + timedelta(minutes=10)},
        )
    return project


def a_recovery_project(**fields):
    return a_project("eu-nl_recovery", cloud="sandbox-recovery", **fields)


def a_vault(*, project=None, name="vault-orders-db", vault_id=None, **fields):
    return Vault.objects.create(
        **{
            "project": project or a_project(),
            "name": name,
            "vault_id": vault_id or str(uuid.uuid4()),
            "protect_type": "backup",
            "object_type": "server",
            "status": "available",
            "size_gb": 1000,
            "used_mb": 400 * 1024,
            "auto_expand": False,
            "resource_count": 3,
            "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
            "created_at": NOW - timedelta(days=100),
            "seen_at": NOW,
            **fields,
        }
    )


def a_replication_vault(*, project=None, name="vault-recovery", **fields):
    return a_vault(project=project or a_recovery_project(), name=name, protect_type="replication", **fields)


def a_backup(*, vault, name="autobk_20261123", backup_id=None, **fields):
    return Backup.objects.create(
        **{
            "vault": vault,
            "name": name,
            "backup_id": backup_id or str(uuid.uuid4()),
            "resource_id": "3f1b6a52-9a0e-4d6c-8b57-0a4b6a1c2d01",
            "resource_name": "pg-orders-01",
            "resource_type": "OS::Nova::Server",
            "resource_size_gb": 40,
            "status": "available",
            "image_type": "backup",
            "contain_system_disk": True,
            "replicated_to": None,
            "created_at": NOW - timedelta(hours=10),
            "seen_at": NOW,
            **fields,
        }
    )


def a_replication(*, source=None, destination=None, actor=None, **fields):
    source = source or a_vault()
    destination = destination or a_replication_vault()
    sent = fields.get("status", "requested") != "requested"
    over = fields.get("status") in {"succeeded", "partial", "failed", "rejected", "cancelled"}
    return Replication.objects.create(
        **{
            "key": uuid.uuid4(),
            "actor": actor or User.objects.filter(username="oskar").first() or a_user("oskar", "operator"),
            "reason": "Quarterly recovery exercise",
            "source_vault": source,
            "destination": destination,
            "source_region": source.project.region.name,
            "source_project_id": source.project.project_id,
            "vault_id": source.vault_id,
            "destination_region": destination.project.region.name,
            "destination_project_id": destination.project.project_id,
            "destination_vault_id": destination.vault_id,
            "requested_at": NOW,
            "changed_at": NOW,
            "submitted_at": NOW if sent else None,
            "finished_at": NOW if over else None,
            "check_after": None if over else NOW,
            "forecast": {"total_gb": 40, "replicate": [], "already": [], "ineligible": [], "codes": []},
            **fields,
        }
    )


def a_batch(*, actor=None, **fields):
    return Batch.objects.create(
        **{
            "key": uuid.uuid4(),
            "actor": actor or User.objects.filter(username="oskar").first() or a_user("oskar", "operator"),
            "reason": "Before the maintenance window",
            "created_at": NOW,
            **fields,
        }
    )


def a_record(*, replication, **fields):
    return ReplicationRecord.objects.create(
        **{
            "replication": replication,
            "backup_id": str(uuid.uuid4()),
            "replication_record_id": str(uuid.uuid4()),
            "backup_name": "autobk_20261123",
            "resource_id": "3f1b6a52-9a0e-4d6c-8b57-0a4b6a1c2d01",
            "resource_name": "pg-orders-01",
            "resource_size_gb": 40,
            "status": "waiting",
            "changed_at": NOW,
            **fields,
        }
    )


def a_sighting(**fields):
    """One backup's replication as the source side shows it."""
    return Sighting(
        **{
            "evidence": Evidence.LOG,
            "key": "log-1",
            "backup_id": "b-1",
            "word": "running",
            "created_at": NOW + timedelta(seconds=1),
            **fields,
        }
    )


def a_replica(**fields):
    """A backup as the cloud lists it in a destination vault."""
    return CloudBackup(
        **{
            "id": "replica-1",
            "name": "autobk_20261123",
            "project_id": "f" * 32,
            "vault_id": "vault-recovery",
            "checkpoint_id": "",
            "resource_id": "3f1b6a52-9a0e-4d6c-8b57-0a4b6a1c2d01",
            "resource_name": "pg-orders-01",
            "resource_type": "OS::Nova::Server",
            "resource_size_gb": 40,
            "status": "available",
            "image_type": "replication",
            "provider_id": "",
            "created_at": NOW + timedelta(minutes=3),
            "updated_at": None,
            "protected_at": None,
            "expired_at": None,
            "contain_system_disk": True,
            "encrypted": None,
            "incremental": None,
            "replication_records": None,
            **fields,
        }
    )


def an_attempt(*, replication, number=1, **fields):
    return Attempt.objects.create(
        **{
            "replication": replication,
            "number": number,
            "worker": "worker-1",
            "begun_at": NOW,
            "ended_at": NOW,
            "outcome": "unknown",
            "bytes_written": 512,
            **fields,
        }
    )


def a_saved_view(*, owner, **fields):
    return SavedView.objects.create(
        **{
            "owner": owner,
            "table": "replications",
            "name": "Failed ones",
            "query": "status=failed",
            "is_shared": False,
            "changed_at": NOW,
            **fields,
        }
    )


def a_policy(*, project=None, name="replicate-nightly", **fields):
    return Policy.objects.create(
        **{
            "project": project or a_project(),
            "name": name,
            "policy_id": str(uuid.uuid4()),
            "enabled": True,
            "operation_type": "replication",
            "destination_region": "eu-nl",
            "destination_project_id": uuid.uuid5(uuid.NAMESPACE_DNS, "eu-nl_recovery").hex,
            "patterns": ["FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00"],
            "started_at": NOW - timedelta(days=30),
            "retention_days": 30,
            "seen_at": NOW,
            **fields,
        }
    )


def a_policy_change(*, policy=None, actor=None, **fields):
    policy = policy or a_policy()
    status = fields.get("status", "requested")
    return PolicyChange.objects.create(
        **{
            "key": uuid.uuid4(),
            "kind": "delete",
            "actor": actor or User.objects.filter(username="oskar").first() or a_user("oskar", "operator"),
            "reason": "Not needed any more",
            "project": policy.project,
            "known_policy": policy,
            "policy_name": policy.name,
            "policy_id": policy.policy_id,
            "order": {
                "method": "DELETE",
                "path": f"policies/{policy.policy_id}",
                "document": None,
                "success": 204,
            },
            "subject": f"policy {policy.policy_id} {uuid.uuid4()}",
            "requested_at": NOW,
            "changed_at": NOW,
            "check_after": NOW if status in {"requested", "sending", "unclear"} else None,
            "sent_at": None if status == "requested" else NOW,
            "finished_at": None if status in {"requested", "sending", "unclear"} else NOW,
            **fields,
        }
    )


def a_check(*, source, destination, actor=None, now=NOW):
    """What an operator would see now, kept as a check."""
    return checking.save_check(
        actor=actor or User.objects.filter(username="oskar").first() or a_user("oskar", "operator"),
        source=source,
        destination=Destination(
            destination.project.region.name, destination.project.project_id, destination.vault_id, destination
        ),
        auto_trigger=False,
        now=now,
    )


def a_rate_card(**fields):
    return RateCard.objects.create(
        **{
            "valid_from": date(2026, 1, 1),
            "currency": "EUR",
            "traffic_per_gb": Decimal("0.02"),
            "space_per_gb_month": Decimal("0.05"),
            "note": "Price list of January",
            **fields,
        }
    )


def a_protected_server(*, vault, resource_id=None, name="pg-orders-01", is_associated=True):
    return ProtectedServer.objects.create(
        vault=vault, resource_id=resource_id or str(uuid.uuid4()), name=name, is_associated=is_associated
    )


def a_target(*, hours=24, vault=None, project=None, tag=None):
    key, value = tag or ("", "")
    return RecoveryTarget.objects.create(
        vault=vault, project=project, tag_key=key, tag_value=value, hours=hours, changed_at=NOW
    )


def an_operation_log(*, vault, **fields):
    return OperationLog.objects.create(
        **{
            "project": vault.project,
            "operation_log_id": str(uuid.uuid4()),
            "operation_type": "replication",
            "status": "success",
            "vault_id": vault.vault_id,
            "vault_name": vault.name,
            "resource_id": "3f1b6a52-9a0e-4d6c-8b57-0a4b6a1c2d01",
            "resource_name": "pg-orders-01",
            "created_at": NOW - timedelta(hours=9),
            "kept_at": NOW,
            "read_at": NOW,
            **fields,
        }
    )


def an_origin(*, source, backup_id, replica_id, **fields):
    return ReplicaOrigin.objects.create(
        **{
            "replica_id": replica_id,
            "source_vault_id": source.vault_id,
            "source_backup_id": backup_id,
            "is_automatic": False,
            "told_by": Evidence.RECORDS,
            "told_at": NOW,
            **fields,
        }
    )


def a_day(*, vault, ago=0, **fields):
    return VaultDay.objects.create(
        **{
            "vault": vault,
            "day": (NOW - timedelta(days=ago)).date(),
            "size_gb": 1000,
            "used_mb": 400 * 1024,
            "read_at": NOW - timedelta(days=ago),
            **fields,
        }
    )
