"""The schedules by which the cloud backs up or replicates by itself: what is read of them, and what is ordered.

Facts follow the API reference's pages CreatePolicy, ListPolicies, DeletePolicy, AssociateVaultPolicy and
DisassociateVaultPolicy. Nothing here knows how a call is sent, nor when a schedule runs next.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .fields import Fields


@dataclass(frozen=True, slots=True)
class AssociatedVault:
    """A vault that a policy works on. API: ListPolicies, policies[].associated_vaults[]."""

    vault_id: str
    #: Empty for a policy that makes backups.
    destination_vault_id: str

    @classmethod
    def from_json(cls, value: object, where: str = "associated_vault") -> "AssociatedVault":
        """Read one pair of vaults.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        vault = Fields.of(value, where)
        return cls(vault_id=vault.id("vault_id"), destination_vault_id=vault.text("destination_vault_id"))


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a policy keeps what it makes. API: ListPolicies, policies[].operation_definition.

    Where a limit is none, nothing is deleted by it: the wire leaves it out or says -1. All none: kept for good.
    """

    #: API: retention_duration_days, 1 to 99999; excludes all the others.
    retention_days: int | None
    #: API: max_backups, 1 to 99999.
    max_backups: int | None
    #: API: day_backups and its like, 0 to 100: the newest of so many days, weeks, months and years.
    day_backups: int | None
    week_backups: int | None
    month_backups: int | None
    year_backups: int | None
    #: API: timezone, as in "UTC+01:00": whose days these are; empty without them.
    timezone: str

    @classmethod
    def from_fields(cls, definition: Fields) -> "Retention":
        """Read it from an operation_definition.

        Raises:
            Unreadable: a limit is no number.
        """
        return cls(
            retention_days=definition.limit("retention_duration_days"),
            max_backups=definition.limit("max_backups"),
            day_backups=definition.limit("day_backups"),
            week_backups=definition.limit("week_backups"),
            month_backups=definition.limit("month_backups"),
            year_backups=definition.limit("year_backups"),
            timezone=definition.text("timezone"),
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A schedule of the cloud. API: ListPolicies, policies[].

    The only place on the wire that pairs a source vault with its destination vault.
    """

    id: str
    name: str
    enabled: bool
    #: backup or replication.
    operation_type: str
    destination_region: str
    destination_project_id: str
    associated_vaults: tuple[AssociatedVault, ...]
    #: API: trigger.properties.pattern: iCalendar rules, up to 24; their hours are UTC. As the cloud words them.
    patterns: tuple[str, ...]
    #: API: trigger.properties.start_time: from when on intervals are counted.
    started_at: datetime | None
    retention: Retention

    @classmethod
    def from_json(cls, value: object, where: str = "policy") -> "Policy":
        """Read one policy.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        policy = Fields.of(value, where)
        definition = policy.inner("operation_definition")
        properties = policy.inner("trigger").inner("properties")
        return cls(
            id=policy.id("id"),
            name=policy.text("name"),
            # API: CreatePolicy, policy.enabled: true unless said otherwise.
            enabled=policy.flag("enabled") is not False,
            operation_type=policy.text("operation_type", needed=True),
            destination_region=definition.text("destination_region"),
            destination_project_id=definition.text("destination_project_id"),
            associated_vaults=tuple(
                AssociatedVault.from_json(*item) for item in policy.items("associated_vaults")
            ),
            patterns=properties.texts("pattern") if properties.values.get("pattern") is not None else (),
            started_at=properties.moment("start_time"),
            retention=Retention.from_fields(definition),
        )


@dataclass(frozen=True, slots=True)
class PolicyOrder:
    """One change of the cloud's policies, as it goes over the wire."""

    method: str
    #: Below the project: as in policies or vaults/{vault_id}/associatepolicy.
    path: str
    #: None for a request without a body.
    document: dict[str, Any] | None
    #: The one HTTP status that says: it is done.
    success: int = 200


def creation(
    *,
    name: str,
    enabled: bool,
    destination_region: str,
    destination_project_id: str,
    patterns: tuple[str, ...],
    retention_days: int | None = None,
    retention_number: int | None = None,
) -> PolicyOrder:
    """Return the order for a new replication policy. API: CreatePolicy, POST policies; 200.

    Not idempotent: the same order twice makes two policies of one name.

    Args:
        name: 1 to 64 letters, digits, underscores and hyphens.
        enabled: Whether it works at once.
        destination_region: Region, another than the project's.
        destination_project_id: Project in that region.
        patterns: 1 to 24 iCalendar rules in UTC.
        retention_days: Days after which replicas are deleted, 1 to 99999.
        retention_number: How many replicas of a server are kept, 1 to 99999; not with days. Neither: for good.
    """
    definition: dict[str, Any] = {
        "destination_region": destination_region,
        "destination_project_id": destination_project_id,
    }
    if retention_number is not None:
        definition["max_backups"] = retention_number
    else:
        definition["retention_duration_days"] = -1 if retention_days is None else retention_days
    policy = {
        "name": name,
        "enabled": enabled,
        "operation_type": "replication",
        "operation_definition": definition,
        "trigger": {"properties": {"pattern": list(patterns)}},
    }
    return PolicyOrder("POST", "policies", {"policy": policy})


def deletion(policy_id: str) -> PolicyOrder:
    """Return the order that deletes a policy, and with it its hold on all vaults. API: DeletePolicy; 204."""
    return PolicyOrder("DELETE", f"policies/{policy_id}", None, success=204)


def association(vault_id: str, policy_id: str, destination_vault_id: str) -> PolicyOrder:
    """Return the order that applies a replication policy to a vault. API: AssociateVaultPolicy; 200.

    This cloud's reference documents policy_id alone. destination_vault_id is mandatory for a replication policy in the
    sibling Huawei cloud's reference, and this cloud's Terraform provider sends it since 1.36.50.
    """
    document = {"policy_id": policy_id, "destination_vault_id": destination_vault_id}
    return PolicyOrder("POST", f"vaults/{vault_id}/associatepolicy", document)


def dissociation(vault_id: str, policy_id: str) -> PolicyOrder:
    """Return the order that removes a policy from a vault. API: DisassociateVaultPolicy; 200."""
    return PolicyOrder("POST", f"vaults/{vault_id}/dissociatepolicy", {"policy_id": policy_id})
