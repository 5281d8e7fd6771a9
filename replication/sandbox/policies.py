"""The calls that change policies: making and deleting one, applying one to a vault and removing it.

After the API reference's CreatePolicy, DeletePolicy, AssociateVaultPolicy and DisassociateVaultPolicy, and the user
manual's limits. Where neither names the code of a refusal, the code is the one whose words fit; those lines say so.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from replication.sandbox.answers import Answer, Refusal, cbr_refusal, parameter_refused
from replication.sandbox.calls import Call
from replication.sandbox.entities import Policy, Vault
from replication.sandbox.parameters import (
    Field,
    check_object,
    is_boolean,
    is_number,
    is_object,
    is_text,
    is_uuid,
    read_body,
)
from replication.sandbox.rules import SOURCE_OBJECT_TYPES, Destination
from replication.sandbox.triggers import check_patterns

#: User manual, constraints: so many backup policies and as many replication policies.
MOST_POLICIES = 32
LONG_TERM = ("day_backups", "week_backups", "month_backups", "year_backups")


def _is_limit(value: object, where: str) -> None:
    if value != -1 or isinstance(value, bool):
        is_number(1, 99_999)(value, where)


DEFINITION_FIELDS = {
    "destination_region": Field(is_text(0, 255, r"[a-zA-Z0-9_\-]*")),
    "destination_project_id": Field(is_text(1, 64, r"[a-zA-Z0-9\-]*")),
    "retention_duration_days": Field(_is_limit),
    "max_backups": Field(_is_limit),
    "timezone": Field(is_text(1, 9, r"UTC[+\-]\d\d:\d\d")),
    **dict.fromkeys(LONG_TERM, Field(is_number(0, 100))),
}
HUAWEI_DEFINITION_FIELDS = {
    "enable_acceleration": Field(is_boolean),
    "cross_account_urn": Field(is_text(0, 255)),
    "full_backup_interval": Field(is_number(-1, 100)),
}


def create_policy(call: Call) -> Answer:
    """API: CreatePolicy. Two policies may have the same name."""
    wishes = read_body(
        call.body,
        "policy",
        {
            "name": Field(is_text(1, 64, r"[a-zA-Z0-9_\-]*"), required=True),
            "enabled": Field(is_boolean),
            "operation_type": Field(is_text(1, 64), required=True),
            "operation_definition": Field(is_object, required=True),
            "trigger": Field(_is_trigger, required=True),
        },
    )
    operation_type = wishes["operation_type"]
    if operation_type not in {"backup", "replication"}:
        raise cbr_refusal("6117", "The policy type is unknown.")
    definition = wishes["operation_definition"]
    _check_definition(call, operation_type, definition)
    patterns = wishes["trigger"]["properties"]["pattern"]
    check_patterns(patterns)
    alike = [one for one in _own_policies(call) if one.operation_type == operation_type]
    if len(alike) >= MOST_POLICIES:
        raise cbr_refusal("6001", "The number of policies of this type has reached the maximum.")
    policy = Policy(
        id=str(uuid4()),
        trigger_id=str(uuid4()),
        name=wishes["name"],
        project_id=call.project_id,
        operation_type=operation_type,
        enabled=wishes.get("enabled", True),
        definition=definition,
        patterns=tuple(patterns),
        created_at=call.now,
        vaults=(),
    )
    _keep(call, "policies.create", {"policy": policy.to_json()})
    return Answer(200, {"policy": call.representation.policy(policy)})


def delete_policy(call: Call) -> Answer:
    """API: DeletePolicy. Its vaults lose it, and their backups stay."""
    policy = _policy(call, call.path["policy_id"])
    _keep(call, "policies.delete", {"policy_id": policy.id})
    return Answer(204, content=b"", content_type="")


def associate(call: Call) -> Answer:
    """API: AssociateVaultPolicy. `add_policy_ids` is documented by the sibling cloud only."""
    fields = {"policy_id": Field(is_uuid), "destination_vault_id": Field(is_uuid)}
    if call.simulation.profile == "huawei":
        fields["add_policy_ids"] = Field(_is_one_id)
    wishes = _read_plain(call, fields)
    if ("policy_id" in wishes) == ("add_policy_ids" in wishes):
        raise parameter_refused("policy_id is missing.")
    vault = _vault(call)
    policy = _policy(call, wishes.get("policy_id") or wishes["add_policy_ids"][0])
    target = wishes.get("destination_vault_id", "")
    if policy.operation_type == "replication":
        _check_replication_pair(call, policy, vault, target)
    elif vault.protect_type != "backup" or target:
        raise cbr_refusal("6127", "The policy cannot be applied to this vault.")
    for other in _own_policies(call):
        if other.operation_type == policy.operation_type and vault.id in dict(other.vaults):
            # User manual: one policy of each type on a vault. Which code tells it is not documented.
            raise cbr_refusal("6127", "The policy cannot be applied to this vault.")
    pair = {"policy_id": policy.id, "vault_id": vault.id, "destination_vault_id": target}
    _keep(call, "vaults.associatepolicy", pair)
    told = {"vault_id": vault.id, "policy_id": policy.id} | (
        {"destination_vault_id": target} if target and call.simulation.profile == "huawei" else {}
    )
    return Answer(200, {"associate_policy": told})


def dissociate(call: Call) -> Answer:
    """API: DisassociateVaultPolicy."""
    wishes = _read_plain(call, {"policy_id": Field(is_uuid, required=True)})
    vault = _vault(call)
    policy = _policy(call, wishes["policy_id"])
    if vault.id not in dict(policy.vaults):
        raise cbr_refusal("6002", "The vault has no such policy.", 404)
    pair = {"policy_id": policy.id, "vault_id": vault.id}
    _keep(call, "vaults.dissociatepolicy", pair)
    return Answer(200, {"dissociate_policy": pair})


def _check_definition(call: Call, operation_type: str, definition: Mapping[str, Any]) -> None:
    further = HUAWEI_DEFINITION_FIELDS if call.simulation.profile == "huawei" else {}
    check_object(definition, "policy.operation_definition", DEFINITION_FIELDS | further)
    long_term = [name for name in LONG_TERM if name in definition]
    if "retention_duration_days" in definition and ("max_backups" in definition or long_term):
        raise parameter_refused("retention_duration_days excludes the other kinds of retention.")
    if long_term and "timezone" not in definition:
        raise parameter_refused(f"{long_term[0]} needs timezone.")
    named = ("destination_region", "destination_project_id")
    if operation_type == "backup":
        if any(name in definition for name in named):
            raise parameter_refused("A backup policy has no destination.")
        return
    for name in named:
        if not definition.get(name):
            raise parameter_refused(f"{name} is missing.")
    call.simulation.rules(call.project_id, call.now).check_route(
        Destination(definition["destination_region"], definition["destination_project_id"], "")
    )


def _check_replication_pair(call: Call, policy: Policy, vault: Vault, target: str) -> None:
    if not target:
        raise parameter_refused("destination_vault_id is missing.")
    # User manual: replication policies for vaults of server backups only.
    if (
        vault.protect_type != "backup"
        or vault.object_type not in SOURCE_OBJECT_TYPES[call.simulation.profile]
    ):
        raise cbr_refusal("6127", "The policy cannot be applied to this vault.")
    if vault.status != "available":
        raise cbr_refusal("6112", "The vault status is invalid.")
    destination = Destination(
        policy.definition["destination_region"], policy.definition["destination_project_id"], target
    )
    rules = call.simulation.rules(call.project_id, call.now)
    rules.check_route(destination)
    rules.check_destination_vault(destination, vault.object_type)


def _read_plain(call: Call, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Read a body without a wrapper around its fields, as these two calls have it."""
    inside = b'{"body": ' + (call.body or b"null") + b"}"
    return read_body(inside, "body", fields)


def _own_policies(call: Call) -> list[Policy]:
    return [one for one in call.simulation.world.policies.values() if one.project_id == call.project_id]


def _policy(call: Call, policy_id: str) -> Policy:
    policy = call.simulation.world.policies.get(policy_id)
    if policy is None or policy.project_id != call.project_id:
        raise _no_policy()
    return policy


def _no_policy() -> Refusal:
    return cbr_refusal("6000", "The policy does not exist.", 404)


def _vault(call: Call) -> Vault:
    vault = call.simulation.world.vault_in(call.project_id, call.path["vault_id"])
    if vault is None:
        raise cbr_refusal("6105", "The vault does not exist.", 404)
    return vault


def _is_trigger(value: object, where: str) -> None:
    properties = Field(
        lambda inner, place: check_object(inner, place, {"pattern": Field(_is_list, required=True)}),
        required=True,
    )
    check_object(value, where, {"properties": properties})


def _is_list(value: object, where: str) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise parameter_refused(f"{where} must be a list of strings.")


def _is_one_id(value: object, where: str) -> None:
    if not isinstance(value, list) or len(value) != 1:
        raise parameter_refused(f"{where} must hold one policy: a vault takes one of a type.")
    is_uuid(value[0], where)


def _keep(call: Call, operation: str, facts: Mapping[str, Any]) -> None:
    """Keep a change and who made it; it outlives a kill when this returns."""
    call.simulation.change_policies(
        {
            "at": call.now.isoformat(),
            "operation": operation,
            "user": call.user_access.user.name,
            "project_id": call.project_id,
            "request_id": call.request_id,
            **facts,
        }
    )
