"""The calls that read: lists with their documented filters and pages, single objects, capabilities.

A filter that is documented is honoured, one that is documented for the other profile only follows a switch, any other
parameter is ignored as this cloud ignores it.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from replication.sandbox.answers import Answer, cbr_refusal, parameter_refused
from replication.sandbox.calls import Call
from replication.sandbox.entities import Backup, OperationLog, Vault

VAULT_STATUSES = ("available", "lock", "frozen", "deleting", "error")
BACKUP_STATUSES = (
    "available",
    "protecting",
    "deleting",
    "restoring",
    "error",
    "waiting_protect",
    "waiting_delete",
    "waiting_restore",
)
LOG_STATUSES = ("success", "skipped", "failed", "running", "timeout", "waiting")
OTC_OPERATION_TYPES = ("backup", "delete", "restore", "vault_delete", "remove_resource", "sync")
#: After which the switch "old_logs" forgets them.
LOG_AGE = timedelta(days=30)
HUAWEI_OPERATION_TYPES = (*OTC_OPERATION_TYPES, "copy", "replication", "migrate_resources")
OBJECT_TYPES = ("server", "disk", "turbo")
HUAWEI_OBJECT_TYPES = (*OBJECT_TYPES, "workspace", "vmware", "rds", "file")

SORT_KEYS: dict[str, Callable[[Backup], Any]] = {
    "created_at": lambda backup: backup.created_at,
    "updated_at": lambda backup: backup.created_at,
    "protected_at": lambda backup: backup.created_at,
    "name": lambda backup: backup.name,
    "status": lambda backup: backup.status,
    "id": lambda backup: backup.id,
}


def list_vaults(call: Call) -> Answer:
    """API: ListVaults."""
    return _vault_page(call, call.project_id)


def list_external_vaults(call: Call) -> Answer:
    """API: ListExternalVault (Huawei): vaults of another region, asked for with the source region's token."""
    project_id, region = call.query.text("external_project_id"), call.query.text("region_id")
    if call.simulation.world.region_of(project_id) != region or not region:
        raise parameter_refused("external_project_id must be a project of region_id.")
    # Two generations of the reference spell one parameter in two ways.
    type_name = "objcet_type" if call.query.text("objcet_type") else "object_type"
    return _vault_page(call, project_id, "vault_id", type_name)


def _vault_page(call: Call, project_id: str, id_name: str = "id", type_name: str = "object_type") -> Answer:
    world, query = call.simulation.world, call.query
    is_huawei = call.simulation.profile == "huawei"
    limit, offset = query.page()
    wanted = {
        "name": query.text("name"),
        "status": query.choice("status", VAULT_STATUSES),
        "object_type": query.choice(type_name, HUAWEI_OBJECT_TYPES if is_huawei else OBJECT_TYPES),
        "protect_type": query.choice("protect_type", ("backup", "replication", "hybrid"))
        if is_huawei
        else _undocumented_choice(call, "protect_type", ("backup",), "replication"),
    }
    query.choice("cloud_type", ("public",))
    ids = [vault_id for text in query.texts(id_name) for vault_id in text.split(",") if vault_id]
    resource_ids = set(query.text("resource_ids", 10_000).split(",")) - {""}
    policy_id = query.text("policy_id")
    policy_vaults = {
        vault_id
        for policy in world.policies.values()
        if policy.id == policy_id
        for vault_id, _ in policy.vaults
    }

    def matches(vault: Vault) -> bool:
        return (
            all(not value or getattr(vault, name) == value for name, value in wanted.items())
            and (not ids or vault.id in ids)
            and (not resource_ids or any(resource.id in resource_ids for resource in vault.resources))
            and (not policy_id or vault.id in policy_vaults)
        )

    vaults = call.shifted([vault for vault in world.project_vaults(project_id) if matches(vault)])
    page = [call.representation.vault(vault) for vault in vaults[offset : offset + limit]]
    return Answer(200, {"vaults": page, "count": len(vaults), "limit": limit, "offset": offset})


def get_vault(call: Call) -> Answer:
    """API: ShowVault."""
    vault = call.simulation.world.vault_in(call.project_id, call.path["vault_id"])
    if vault is None:
        raise cbr_refusal("6105", "The vault does not exist.", 404)
    return Answer(200, {"vault": call.representation.vault(vault)})


def list_backups(call: Call) -> Answer:
    """API: ListBackups."""
    limit, offset = call.query.page()
    with_records = _shows_replication(call)
    backups = call.shifted(_sorted_backups(call, _filtered_backups(call)))
    marker = call.query.text("marker")
    if marker:
        position = next((index for index, backup in enumerate(backups) if backup.id == marker), None)
        if position is None:
            raise parameter_refused("marker names no backup of the list.")
        offset = position + 1
    page = [
        call.representation.backup(backup, with_records=with_records)
        for backup in backups[offset : offset + limit]
    ]
    return Answer(200, {"backups": page, "count": len(backups), "limit": limit, "offset": offset})


def _filtered_backups(call: Call) -> list[Backup]:
    query, world = call.query, call.simulation.world
    statuses = query.choices("status", BACKUP_STATUSES)
    earliest, latest = query.moment("start_time"), query.moment("end_time")
    own_type = query.choice("own_type", ("private", "shared", "all_granted"))
    query.choice("member_status", ("pending", "accepted", "rejected", "accept", "reject"))
    query.boolean("dec")
    used_percent = query.number("used_percent", 0, 1, 100)
    parent_id, vault_id = query.text("parent_id"), query.text("vault_id")
    wanted: dict[str, tuple[str, Callable[[Backup], str]]] = {
        "vault_id": (vault_id, lambda backup: backup.vault_id),
        "checkpoint_id": (query.text("checkpoint_id"), lambda backup: backup.checkpoint_id),
        "resource_id": (query.text("resource_id"), lambda backup: backup.resource.id),
        "resource_name": (query.text("resource_name"), lambda backup: backup.resource.name),
        "resource_type": (query.text("resource_type"), lambda backup: backup.resource.type),
        "resource_az": (query.text("resource_az"), lambda backup: backup.resource.zone),
        "name": (query.text("name"), lambda backup: backup.name),
        "image_type": (
            _undocumented_choice(call, "image_type", ("backup",), "replication"),
            lambda backup: backup.image_type,
        ),
    }
    active = [(value, read) for value, read in wanted.values() if value]
    is_huawei = call.simulation.profile == "huawei"
    incremental = query.boolean("incremental") if is_huawei else None
    if is_huawei and query.text("enterprise_project_id") not in {"", "0", "all_granted_eps"}:
        return []

    def is_full_enough(vault_id: str) -> bool:
        used_mb, size_gb = world.used_mb(vault_id, call.now), world.vaults[vault_id].size_gb
        return used_mb * 100 >= used_percent * size_gb * 1024

    full_enough = {
        vault.id
        for vault in (world.project_vaults(call.project_id) if used_percent else ())
        if is_full_enough(vault.id)
    }

    def matches(backup: Backup) -> bool:
        return (
            all(read(backup) == value for value, read in active)
            and (not statuses or backup.status in statuses)
            and (earliest is None or backup.created_at >= earliest)
            and (latest is None or backup.created_at <= latest)
            and incremental in {None, backup.incremental}
            and (not used_percent or backup.vault_id in full_enough)
        )

    # Nobody shares backups with this account.
    if own_type == "shared":
        return []
    if parent_id:
        parent = world.find_backup(call.project_id, parent_id, call.now)
        backups: Iterable[Backup] = parent.children() if parent else ()
    elif vault_id:
        is_own = world.vault_in(call.project_id, vault_id) is not None
        backups = world.vault_backups(vault_id, call.now) if is_own else ()
    else:
        backups = world.project_backups(call.project_id, call.now)
    return [backup for backup in backups if matches(backup)]


def _sorted_backups(call: Call, backups: list[Backup]) -> list[Backup]:
    for part in reversed(call.query.text("sort").split(",")):
        key, _, direction = part.partition(":")
        if key not in {"", *SORT_KEYS} or direction not in {"", "asc", "desc"}:
            raise parameter_refused(f"sort must be key[:asc|desc],… with keys {', '.join(SORT_KEYS)}.")
        backups = sorted(backups, key=SORT_KEYS[key or "created_at"], reverse=direction != "asc")
    return backups


def _shows_replication(call: Call) -> bool:
    shown = call.query.boolean("show_replication")
    if call.simulation.profile == "otc":
        if shown is not None and call.simulation.switches["show_replication"] == "refuse":
            raise parameter_refused("show_replication is unknown.")
        return False
    return bool(shown)


def get_backup(call: Call) -> Answer:
    """API: ShowBackup."""
    backup = call.simulation.world.find_backup(call.project_id, call.path["backup_id"], call.now)
    if backup is None:
        raise cbr_refusal("6200", "The backup does not exist.", 404)
    return Answer(200, {"backup": call.representation.backup(backup)})


def list_operation_logs(call: Call) -> Answer:
    """API: ListOpLogs."""
    query, world = call.query, call.simulation.world
    limit, offset = query.page()
    earliest, latest = query.moment("start_time"), query.moment("end_time")
    vault_id = query.text("vault_id")
    wanted: dict[str, tuple[str, Callable[[OperationLog], str]]] = {
        "operation_type": (_operation_type(call), lambda log: log.operation_type),
        "status": (query.choice("status", LOG_STATUSES), lambda log: log.status),
        "vault_id": (vault_id, lambda log: log.vault_id),
        "resource_id": (query.text("resource_id"), lambda log: log.resource.id),
        "resource_name": (query.text("resource_name"), lambda log: log.resource.name),
        "provider_id": (query.text("provider_id"), lambda log: log.provider_id),
        "vault_name": (query.text("vault_name"), lambda log: world.vault_name(log.vault_id)),
    }
    active = [(value, read) for value, read in wanted.values() if value]
    logs = [
        log
        for log in world.logs_of(vault_id or call.project_id, call.now)
        if log.project_id == call.project_id
        and _is_listed(call, log)
        and all(read(log) == value for value, read in active)
        and (earliest is None or log.created_at >= earliest)
        and (latest is None or log.created_at <= latest)
    ]
    logs = call.shifted(sorted(logs, key=lambda log: log.created_at, reverse=True))
    page = [call.representation.operation_log(log) for log in logs[offset : offset + limit]]
    return Answer(200, {"operation_logs": page, "count": len(logs), "limit": limit, "offset": offset})


def _is_listed(call: Call, log: OperationLog) -> bool:
    if call.simulation.switches["old_logs"] == "gone" and log.created_at < call.now - LOG_AGE:
        return False
    return log.operation_type != "replication" or call.simulation.switches["replication_logs"] == "listed"


def _operation_type(call: Call) -> str:
    if call.simulation.profile == "huawei":
        return call.query.choice("operation_type", HUAWEI_OPERATION_TYPES)
    return _undocumented_choice(call, "operation_type", OTC_OPERATION_TYPES, "replication")


def get_operation_log(call: Call) -> Answer:
    """API: ShowOpLog."""
    log = call.simulation.world.find_log(call.project_id, call.path["operation_log_id"], call.now)
    if log is None or not _is_listed(call, log):
        raise cbr_refusal("6500", "Operation log does not exist.", 404)
    return Answer(200, {"operation_log": call.representation.operation_log(log)})


def list_replication_capabilities(call: Call) -> Answer:
    """API: ShowReplicationCapabilities."""
    capabilities = call.simulation.rules(call.project_id, call.now).capabilities()
    regions = [{"name": name, "replication_destinations": found} for name, found in capabilities.items()]
    return Answer(200, {"regions": regions})


def list_policies(call: Call) -> Answer:
    """API: ListPolicies; without pages."""
    operation_type = call.query.choice("operation_type", ("backup", "replication"))
    vault_id = call.query.text("vault_id")
    policies = [
        call.representation.policy(policy)
        for policy in call.simulation.world.policies.values()
        if policy.project_id == call.project_id
        and (not operation_type or policy.operation_type == operation_type)
        and (not vault_id or vault_id in dict(policy.vaults))
    ]
    return Answer(200, {"policies": policies, "count": len(policies)})


def get_policy(call: Call) -> Answer:
    """API: ShowPolicy."""
    policy = call.simulation.world.policies.get(call.path["policy_id"])
    if policy is None or policy.project_id != call.project_id:
        raise cbr_refusal("6000", "The policy does not exist.", 404)
    return Answer(200, {"policy": call.representation.policy(policy)})


def _undocumented_choice(call: Call, name: str, documented: tuple[str, ...], further: str) -> str:
    """Read a filter of which profile otc documents fewer values than profile huawei."""
    value = call.query.choice(name, (*documented, further))
    if value != further or call.simulation.profile == "huawei":
        return value
    handling = call.simulation.switches[f"{name}_filter"]
    if handling == "refuse":
        raise parameter_refused(f"{name} must be one of {', '.join(documented)}.")
    return "" if handling == "ignore" else value
