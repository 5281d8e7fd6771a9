"""The calls that change something: the two replicate calls and the making of a replication vault.

They read the request, let the rules decide, and have the simulation keep what was accepted before they answer.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

from replication.sandbox.answers import Answer, cbr_refusal, parameter_refused
from replication.sandbox.calls import Call
from replication.sandbox.entities import Backup, ReplicationRecord, Vault
from replication.sandbox.parameters import (
    Field,
    check_object,
    is_boolean,
    is_number,
    is_one_of,
    is_text,
    is_uuid,
    read_body,
)
from replication.sandbox.progress import Fate, Stage, schedule_copies
from replication.sandbox.rules import DESTINATION_FULL, Destination

NO_ROOM = Fate(Stage.FAILED, "BackupService.6129", DESTINATION_FULL, 0)
IMPORT_FAILED = Fate(Stage.FAILED, "BackupService.1006", "Failed to import the replica.", 85)

REGION = Field(is_text(0, 255, r"[a-zA-Z0-9._\-]*"), required=True)
PROJECT_ID = Field(is_text(1, 64, r"[a-zA-Z0-9\-]*"), required=True)
VAULT_ID = Field(is_uuid, required=True)
DESTINATION_FIELDS = {
    "destination_region": REGION,
    "destination_project_id": PROJECT_ID,
    "destination_vault_id": VAULT_ID,
}
HUAWEI_FIELDS = {"enable_acceleration": Field(is_boolean), "cross_account_urn": Field(is_text(0, 255))}
CHECKPOINT_FIELDS = DESTINATION_FIELDS | {"vault_id": VAULT_ID, "auto_trigger": Field(is_boolean)}
BACKUP_FIELDS = DESTINATION_FIELDS | {
    "name": Field(is_text(1, 64, r"[\w\-]*")),
    "description": Field(is_text(0, 255)),
}
BILLING_FIELDS = {
    "consistent_level": Field(is_one_of("crash_consistent"), required=True),
    "object_type": Field(is_one_of("server", "disk", "turbo"), required=True),
    "protect_type": Field(is_one_of("backup", "replication"), required=True),
    "size": Field(is_number(10, 10_485_760), required=True),
    "charging_mode": Field(is_one_of("post_paid")),
    "cloud_type": Field(is_one_of("public")),
    "is_auto_renew": Field(is_boolean),
    "is_auto_pay": Field(is_boolean),
    "console_url": Field(is_text(1, 255)),
}


def replicate_checkpoint(call: Call) -> Answer:
    """API: CopyCheckpoint: replicate all fit backups of a vault."""
    wishes = read_body(call.body, "replicate", CHECKPOINT_FIELDS | _profile_fields(call))
    destination = _destination(wishes)
    rules = call.simulation.rules(call.project_id, call.now)
    rules.check_route(destination)
    vault = rules.source_vault(wishes["vault_id"])
    target = rules.check_destination_vault(destination, vault.object_type)
    rules.check_not_replicating(vault.id)
    backups = rules.eligible_backups(vault, destination)
    fates = _fates(call, backups, rules.without_room(target, backups))
    auto_trigger = wishes.get("auto_trigger", False)
    records = _plan_records(call, vault, destination, fates, auto_trigger=auto_trigger)
    echo = _echo(call, vault, destination) | {
        "vault_id": vault.id,
        "backups": [
            {"replication_record_id": record.id, "backup_id": record.backup_id} for record in records
        ],
    }
    return _accept(call, "checkpoints.replicate", vault, wishes, echo, records)


def replicate_backup(call: Call) -> Answer:
    """API: CopyBackup: replicate one backup, under a name of its own if one is given."""
    wishes = read_body(call.body, "replicate", BACKUP_FIELDS | _profile_fields(call))
    destination = _destination(wishes)
    rules = call.simulation.rules(call.project_id, call.now)
    rules.check_route(destination)
    backup = call.simulation.world.find_backup(call.project_id, call.path["backup_id"], call.now)
    if backup is None:
        raise cbr_refusal("6200", "The backup does not exist.", 404)
    rules.check_backup(backup, destination)
    vault = rules.source_vault(backup.vault_id)
    target = rules.check_destination_vault(destination, vault.object_type)
    rules.check_not_replicating(vault.id)
    fates = _fates(call, [backup], rules.without_room(target, [backup]))
    names = (wishes.get("name", backup.name), wishes.get("description", ""))
    records = _plan_records(call, vault, destination, fates, names=names)
    echo = _echo(call, vault, destination) | {
        "backup_id": backup.id,
        "replication_record_id": records[0].id,
    }
    return _accept(call, "backups.replicate", vault, wishes, echo, records)


def create_vault(call: Call) -> Answer:
    """API: CreateVault, for vaults without resources, as a replication vault is."""
    is_huawei = call.simulation.profile == "huawei"
    billing_fields = BILLING_FIELDS | (
        {"size": Field(is_number(1, 10_485_760), required=True)} if is_huawei else {}
    )
    fields = {
        "name": Field(is_text(1, 64), required=True),
        "description": Field(is_text(0, 64)),
        "resources": Field(_is_empty_list, required=True),
        "billing": Field(lambda value, where: check_object(value, where, billing_fields), required=True),
        "backup_policy_id": Field(is_uuid),
        "tags": Field(_is_tags),
        "auto_bind": Field(is_boolean),
        "bind_rules": Field(
            lambda value, where: check_object(value, where, {"tags": Field(_is_tags, required=True)})
        ),
        "locked": Field(is_boolean),
        "enterprise_project_id": Field(is_text(0, 36)),
    } | ({"auto_expand": Field(is_boolean)} if is_huawei else {})
    wishes = read_body(call.body, "vault", fields)
    billing = wishes["billing"]
    if billing["object_type"] == "disk" and billing["protect_type"] == "replication":
        raise parameter_refused("vault.billing.protect_type cannot be replication for disks.")
    policy_id = wishes.get("backup_policy_id", "")
    _check_backup_policy(call, policy_id, billing["protect_type"])
    vault = Vault(
        id=str(uuid4()),
        name=wishes["name"],
        project_id=call.project_id,
        user_id=call.user_access.user.id,
        created_at=call.now,
        object_type=billing["object_type"],
        protect_type=billing["protect_type"],
        size_gb=billing["size"],
        description=wishes.get("description", ""),
        tags={tag["key"]: tag["value"] for tag in wishes.get("tags", [])},
        bind_tags={tag["key"]: tag["value"] for tag in wishes.get("bind_rules", {"tags": []})["tags"]},
        locked=wishes.get("locked", False),
        auto_bind=wishes.get("auto_bind", False),
        auto_expand=wishes.get("auto_expand", False),
    )
    call.simulation.add_vault(asdict(vault) | {"created_at": vault.created_at.isoformat()}, policy_id)
    return Answer(200, {"vault": call.representation.vault(vault)})


def _check_backup_policy(call: Call, policy_id: str, protect_type: str) -> None:
    if not policy_id:
        return
    policy = call.simulation.world.policies.get(policy_id)
    if policy is None or policy.project_id != call.project_id:
        raise cbr_refusal("6000", "The policy does not exist.", 404)
    if policy.operation_type != "backup" or protect_type != "backup":
        raise cbr_refusal("6127", "The policy cannot be applied to this vault.")


def _profile_fields(call: Call) -> dict[str, Field]:
    return HUAWEI_FIELDS if call.simulation.profile == "huawei" else {}


def _destination(wishes: dict[str, Any]) -> Destination:
    return Destination(
        wishes["destination_region"], wishes["destination_project_id"], wishes["destination_vault_id"]
    )


def _plan_records(
    call: Call,
    vault: Vault,
    destination: Destination,
    fates: Sequence[tuple[Backup, Fate]],
    *,
    auto_trigger: bool = False,
    names: tuple[str, str] | None = None,
) -> list[ReplicationRecord]:
    sizes_mb = [backup.stored_mb for backup, _ in fates]
    schedules = schedule_copies(sizes_mb, [fate for _, fate in fates], call.now, call.simulation.speed)
    delay = call.suffers("records_visible_after")
    visible_at = call.now + timedelta(seconds=delay.parameters["seconds"] if delay else 0)
    request_id = call.request_id if call.simulation.switches["request_id"] == "same" else f"req-{uuid4()}"
    replica_checkpoints = {backup.checkpoint_id: str(uuid4()) for backup, _ in fates}
    return [
        ReplicationRecord(
            id=str(uuid4()),
            log_id=str(uuid4()),
            task_id=str(uuid4()),
            request_id=request_id,
            vault_id=vault.id,
            backup_id=backup.id,
            source_region=call.simulation.world.region_of(call.project_id),
            source_project_id=call.project_id,
            destination_region=destination.region,
            destination_project_id=destination.project_id,
            destination_vault_id=destination.vault_id,
            replica_id=str(uuid4()),
            replica_checkpoint_id=replica_checkpoints[backup.checkpoint_id],
            replica_name=names[0] if names else backup.name,
            replica_description=names[1] if names else backup.description,
            auto_trigger=auto_trigger,
            accepted_at=call.now,
            visible_at=visible_at,
            begins_at=schedule.begins_at,
            ends_at=schedule.ends_at,
            outcome=fate.stage,
            code=fate.code,
            reason=fate.reason,
            percent=fate.percent,
        )
        for (backup, fate), schedule in zip(fates, schedules, strict=True)
    ]


def _fates(
    call: Call, backups: Sequence[Backup], without_room: Sequence[Backup]
) -> list[tuple[Backup, Fate]]:
    """Decide how the copy of each backup will end."""
    crowded = {backup.id for backup in without_room}
    return [
        (backup, NO_ROOM if backup.id in crowded else _fate(call, backup, is_first=position == 0))
        for position, backup in enumerate(backups)
    ]


def _fate(call: Call, backup: Backup, *, is_first: bool) -> Fate:
    fault = call.suffers("fail_backup")
    if fault is not None and fault.parameters["backup_id"] in ({"", backup.id} if is_first else {backup.id}):
        outcome = Stage(fault.parameters["outcome"])
        percent = 0 if outcome is Stage.SKIPPED else fault.parameters["percent"]
        return Fate(outcome, fault.parameters["fail_code"], fault.parameters["fail_reason"], percent)
    return IMPORT_FAILED if backup.fails_with else Fate()


def _echo(call: Call, vault: Vault, destination: Destination) -> dict[str, Any]:
    return {
        "destination_vault_id": destination.vault_id,
        "provider_id": vault.provider_id,
        "source_region": call.simulation.world.region_of(call.project_id),
        "destination_region": destination.region,
        "destination_project_id": destination.project_id,
        "project_id": call.project_id,
    }


def _accept(
    call: Call,
    operation: str,
    vault: Vault,
    wishes: dict[str, Any],
    echo: dict[str, Any],
    records: list[ReplicationRecord],
) -> Answer:
    answer = {"replication": echo}
    call.simulation.accept(
        {
            "at": call.now.isoformat(),
            "operation": operation,
            "user": call.user_access.user.name,
            "project_id": call.project_id,
            "region": call.simulation.world.region_of(call.project_id),
            "request_id": call.request_id,
            # What the call was about, whichever of the two it was: the vault stands in one body and in neither address.
            "vault_id": vault.id,
            "backup_ids": [record.backup_id for record in records],
            "body": {"replicate": wishes},
            "answer": answer,
            "record_ids": [record.id for record in records],
        },
        records,
    )
    return Answer(200, answer)


def _is_empty_list(value: object, where: str) -> None:
    if value != []:
        raise parameter_refused(
            f"{where} must be an empty list: this cloud makes vaults without resources only."
        )


def _is_tags(value: object, where: str) -> None:
    # An empty list is refused too: the reference asks to leave the field out instead.
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        raise parameter_refused(f"{where} must hold 1 to 20 tags.")
    for tag in value:
        fields = {"key": Field(is_text(1, 36), required=True), "value": Field(is_text(0, 43), required=True)}
        check_object(tag, where, fields)
