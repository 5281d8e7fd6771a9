"""What the cloud would answer to a change of its policies, and why, before anything is sent.

Rules over the mirror, so they may be out of date; the cloud decides. They follow the API reference's CreatePolicy and
AssociateVaultPolicy, the user manual's constraints, and the list of error codes; where no code is documented for a
rule, the finding names the one whose words fit, as cbr-api.md does.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from replication.models import CloudReading, Policy, PolicyVault, Project, Vault

from . import preflight
from .preflight import Text

#: User manual, constraints: so many replication policies in a project.
MOST_POLICIES = 32
#: API: CreatePolicy, trigger.properties.pattern; one rule for each hour.
MOST_RULES = 24
#: API: CreatePolicy, retention_duration_days and max_backups.
LONGEST_RETENTION = 99_999


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before a change of policies is sent. A blocking one means that it would be refused."""

    text: Text
    #: The code that the cloud would probably answer with; empty where none is documented, or the rule is ours.
    code: str = ""
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """A replication policy that a person wants."""

    project: Project
    name: str
    enabled: bool
    destination: Project
    patterns: tuple[str, ...]
    #: Days after which replicas are deleted. Null: not by their age.
    retention_days: int | None = None
    #: How many replicas of a server are kept. Null: not by their number.
    max_backups: int | None = None


def judge_creation(wanted: NewPolicy) -> tuple[Finding, ...]:
    """Say what stands in the way of a new policy. Three queries."""
    own = Policy.objects.present().replicating().filter(project=wanted.project)
    findings = [
        _as_blocker(preflight.judge_region(wanted.project.region, wanted.destination.region.name)),
        _judge_entry(wanted.project),
        _judge_number(own.count()),
        _judge_name(own.filter(name=wanted.name).exists()),
        _judge_destination_project(wanted.destination),
        judge_reading(wanted.project),
    ]
    if not wanted.enabled:
        findings.append(
            Finding(_("It is created switched off: it replicates nothing until somebody switches it on."))
        )
    return tuple(finding for finding in findings if finding)


def judge_application(
    policy: Policy, vault: Vault, destination: Vault | None, others: Iterable[PolicyVault]
) -> tuple[Finding, ...]:
    """Say what stands in the way of applying a policy to a vault, with replicas going into `destination`.

    `others` are the replication policies that the vault has already. Asks no database.
    """
    taken = next(iter(others), None)
    findings = [
        judge_policy(policy),
        judge_vault(policy, vault),
        _judge_taken(policy, taken) if taken else None,
        _judge_target(policy, vault, destination),
        _judge_entry(policy.project),
    ]
    if not policy.enabled:
        findings.append(
            Finding(_("The policy is switched off: it replicates nothing until somebody switches it on."))
        )
    return tuple(finding for finding in findings if finding)


def judge_removal(policy: Policy, vault: Vault, applied: PolicyVault | None) -> tuple[Finding, ...]:
    """Say what stands in the way of removing a policy from a vault."""
    findings = [judge_policy(policy), _judge_entry(policy.project)]
    if applied is None:
        findings.append(_blocker(_("The vault does not have this policy."), "BackupService.6002"))
    if vault.vanished_at:
        findings.append(_blocker(_("The cloud no longer lists it."), "BackupService.6105"))
    return tuple(finding for finding in findings if finding)


def judge_deletion(policy: Policy) -> tuple[Finding, ...]:
    """Say what stands in the way of deleting a policy."""
    return tuple(finding for finding in (judge_policy(policy), _judge_entry(policy.project)) if finding)


def judge_policy(policy: Policy) -> Finding | None:
    """Say why this policy cannot be changed here, or return `None` if it can."""
    if policy.vanished_at:
        return _blocker(_("The cloud no longer lists the policy."), "BackupService.6000")
    if not policy.replicates:
        return _blocker(
            _("It is a policy for backups. Here only policies for replications are changed."),
            "BackupService.6127",
        )
    return None


def judge_vault(policy: Policy, vault: Vault) -> Finding | None:
    """Say why no replication policy can be applied to this vault, or return `None` if one can."""
    if vault.project_id != policy.project_id:
        return _blocker(_("The vault is in another project than the policy."), "BackupService.6105")
    found = _as_blocker(preflight.judge_source(vault))
    if found and found.code == "BackupService.6128":
        # User manual: replication policies for vaults of server backups only; 6127 says it of policies.
        return _blocker(found.text, "BackupService.6127")
    return found


def policies_of(vaults: Iterable[Vault]) -> QuerySet[PolicyVault]:
    """Return the replication policies of these vaults, with the policy of each."""
    return PolicyVault.objects.filter(
        source_vault__in=list(vaults),
        policy__vanished_at=None,
        policy__operation_type=Policy.REPLICATION,
    ).select_related("policy")


def without_policy() -> QuerySet[Vault]:
    """Return the vaults that could have a replication policy and have none that is switched on.

    Only vaults in projects whose policies have been read: of the others nobody knows.
    """
    working = PolicyVault.objects.filter(
        policy__vanished_at=None, policy__operation_type=Policy.REPLICATION, policy__enabled=True
    )
    known = CloudReading.objects.exclude(policies_read_at=None)
    return (
        Vault.objects.present()
        .sources()
        .filter(object_type=Vault.SERVER, project__in=known.values("project"))
        .exclude(pk__in=working.exclude(source_vault=None).values("source_vault"))
    )


def _judge_taken(policy: Policy, taken: PolicyVault) -> Finding:
    if taken.policy == policy:
        return _blocker(_("The vault has this policy already."), "BackupService.6127")
    return _blocker(
        _(
            "The vault has the replication policy “%(name)s” already, and a vault takes only one. Remove that one first."
        )
        % {"name": taken.policy.name},
        "BackupService.6127",
    )


def _judge_target(policy: Policy, vault: Vault, destination: Vault | None) -> Finding | None:
    if destination is None:
        return _blocker(_("There is no destination vault."), "BackupService.9900")
    if (
        destination.project.project_id != policy.destination_project_id
        or destination.project.region.name != policy.destination_region
    ):
        return _blocker(
            _("The destination vault is not in the project that the policy replicates to."),
            "BackupService.6120",
        )
    return _as_blocker(preflight.judge_destination(destination, vault))


def _judge_number(present: int) -> Finding | None:
    if present < MOST_POLICIES:
        return None
    return _blocker(
        _("The project has %(number)d replication policies already, and the cloud allows %(most)d.")
        % {"number": present, "most": MOST_POLICIES},
        "BackupService.6001",
    )


def _judge_name(taken: bool) -> Finding | None:  # noqa: FBT001  # the one fact that it judges
    if not taken:
        return None
    # The cloud would take it. But should its answer get lost, the name is what tells whether it was carried out.
    return _blocker(
        _(
            "The project has a replication policy of this name already. The cloud would take a second one; we do not."
        ),
        "",
    )


def _judge_destination_project(destination: Project) -> Finding | None:
    if destination.vanished_at is None:
        return None
    return _blocker(_("The cloud no longer lists the destination project."), "BackupService.1011")


def _judge_entry(project: Project) -> Finding | None:
    if project.cloud:
        return None
    return _blocker(
        _("No entry of REPLICATION_CLOUDS signs in to this project any more, so nothing can be sent there."),
        "",
    )


def judge_reading(project: Project) -> Finding | None:
    """Say that the policies of a project may be others by now, or return `None` where they were read. One query."""
    reading = CloudReading.objects.filter(project=project).first()
    if reading and reading.policies_read_at and not reading.policies_error:
        return None
    return Finding(
        _(
            "The project's policies could not be read lately, so nobody has checked the cloud's limits against what is "
            "there now."
        )
    )


def _as_blocker(found: preflight.Finding | None) -> Finding | None:
    """Return what the forecast of a replication says of a vault or region, as something said of a policy."""
    return _blocker(found.text, found.code) if found else None


def _blocker(text: Text, code: str) -> Finding:
    return Finding(text, code=code, blocking=True)
