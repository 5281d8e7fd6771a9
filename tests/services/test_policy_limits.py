"""What stands in the way of a change of policies, with the code that the cloud would answer."""

import pytest

from replication.models import CloudReading, Policy, PolicyVault
from replication.roles import NotPermitted
from replication.services import policy_changing, policy_limits
from tests.builders import NOW, a_policy, a_project, a_recovery_project, a_replication_vault, a_vault
from tests.journeys.policy_wishes import EVERY_NIGHT


@pytest.fixture
def company(db):
    """A project whose policies have been read, and one to replicate to."""
    project, recovery = a_project(), a_recovery_project()
    CloudReading.objects.update(policies_read_at=NOW)
    return project, recovery


def wanted(project, destination, **fields):
    return policy_limits.NewPolicy(
        **{
            "project": project,
            "name": "replicate-orders",
            "enabled": True,
            "destination": destination,
            "patterns": EVERY_NIGHT,
            **fields,
        }
    )


def codes(findings):
    return [(finding.code.removeprefix("BackupService."), finding.blocking) for finding in findings]


def test_nothing_stands_in_the_way_of_a_good_policy(company):
    assert policy_limits.judge_creation(wanted(*company)) == ()


def test_a_policy_stays_within_its_number_its_regions_and_its_names(company):
    project, recovery = company
    for number in range(32):
        a_policy(project=project, name=f"policy-{number}")
    a_policy(project=project, name="gone", vanished_at=NOW)
    a_policy(project=project, name="backups", operation_type="backup")

    many = policy_limits.judge_creation(wanted(project, recovery))
    Policy.objects.filter(name="policy-31").delete()
    fits = policy_limits.judge_creation(wanted(project, recovery))
    same_name = policy_limits.judge_creation(wanted(project, recovery, name="policy-3"))
    same_region = policy_limits.judge_creation(wanted(project, project))
    back = policy_limits.judge_creation(wanted(recovery, recovery))

    assert [codes(one) for one in (many, fits, same_name, same_region, back)] == [
        [("6001", True)],
        [],
        [("", True)],
        [("9900", True)],
        [("9900", True)],
    ]


def test_what_is_not_known_or_does_nothing_is_said_and_blocks_nothing(company):
    CloudReading.objects.update(policies_error="no right")

    found = policy_limits.judge_creation(wanted(*company, enabled=False))

    assert codes(found) == [("", False), ("", False)]


def applied(policy, vault, target):
    return next(codes(found) for _vault, found in policy_changing.judge_applications(policy, [vault], target))


def test_a_policy_fits_a_vault_for_servers_that_has_none(company):
    project, _recovery = company
    policy, target = a_policy(project=project), a_replication_vault()

    def judged(**fields):
        return applied(policy, a_vault(project=project, **fields), target)

    assert judged() == []
    assert judged(object_type="disk") == [("6127", True), ("6119", True)]
    assert judged(status="frozen") == [("6112", True)]
    assert judged(vanished_at=NOW) == [("6105", True)]
    assert applied(policy, a_vault(project=a_project("eu-de_internal", cloud="internal")), target) == [
        ("6105", True)
    ]


def test_a_vault_takes_one_replication_policy(company):
    project, _recovery = company
    mine, other, idle = (a_policy(project=project, name=name) for name in ("mine", "other", "idle"))
    backup = a_policy(project=project, name="backup", operation_type="backup")
    vault, free, target = a_vault(project=project), a_vault(project=project), a_replication_vault()
    for policy, held in ((other, vault), (backup, vault), (backup, free)):
        PolicyVault.objects.create(policy=policy, vault_id=held.vault_id, source_vault=held)
    Policy.objects.filter(pk=idle.pk).update(enabled=False)

    assert applied(mine, vault, target) == [("6127", True)]
    assert applied(other, vault, target) == [("6127", True)]
    assert applied(mine, free, target) == []
    assert applied(backup, free, target)[0] == ("6127", True)


def test_replicas_go_where_the_policy_says_into_a_vault_that_takes_them(company):
    project, recovery = company
    policy, vault = a_policy(project=project), a_vault(project=project)
    archive = a_project("eu-nl_archive", cloud="sandbox-archive")

    def judged(target):
        return applied(policy, vault, target)

    assert judged(None) == [("9900", True)]
    assert judged(a_replication_vault(project=archive)) == [("6120", True)]
    assert judged(a_vault(project=recovery)) == [("6119", True)]
    assert judged(a_replication_vault(project=recovery, object_type="turbo")) == [("6119", True)]
    assert judged(a_replication_vault(project=recovery, status="lock")) == [("6118", True)]
    assert judged(a_replication_vault(project=recovery, size_gb=1, used_mb=1024)) == [("6129", True)]


def test_only_what_is_applied_can_be_removed_and_only_what_is_there_deleted(company):
    project, _recovery = company
    policy, vault = a_policy(project=project), a_vault(project=project)
    row = PolicyVault(policy=policy, vault_id=vault.vault_id, source_vault=vault)

    assert policy_limits.judge_removal(policy, vault, row) == policy_limits.judge_deletion(policy) == ()
    assert codes(policy_limits.judge_removal(policy, vault, None)) == [("6002", True)]
    policy.vanished_at = NOW
    assert codes(policy_limits.judge_deletion(policy)) == [("6000", True)]
    policy.project.cloud = ""
    assert codes(policy_limits.judge_deletion(policy)) == [("6000", True), ("", True)]


def test_vaults_without_a_policy_are_those_that_could_have_one(company):
    project, _recovery = company
    working, idle = a_policy(project=project), a_policy(project=project, name="idle", enabled=False)
    backup = a_policy(project=project, name="backup", operation_type="backup")
    held, paused, bare = (a_vault(project=project, name=name) for name in ("held", "paused", "bare"))
    for policy, vault in ((working, held), (idle, paused), (backup, bare)):
        PolicyVault.objects.create(policy=policy, vault_id=vault.vault_id, source_vault=vault)
    a_vault(project=project, name="disk", object_type="disk")
    a_vault(project=project, name="gone", vanished_at=NOW)
    a_replication_vault()
    unread = a_project("eu-de_unread", cloud="unread")
    a_vault(project=unread, name="of a project whose policies nobody has read")
    CloudReading.objects.filter(cloud="unread").update(policies_read_at=None)

    assert sorted(vault.name for vault in policy_limits.without_policy()) == ["bare", "paused"]


@pytest.mark.parametrize("person", ["vera", "anna", "adam"])
def test_only_operators_change_policies(company, request, person):
    asked = {"actor": request.getfixturevalue(person), "reason": "Because", "key": a_policy().pk, "now": NOW}

    with pytest.raises(NotPermitted):
        policy_changing.request_creation(**asked, wanted=wanted(*company))
    with pytest.raises(NotPermitted):
        policy_changing.request_deletion(**asked, policy=a_policy(name="other"))


def test_what_would_be_refused_is_not_even_asked_for(company, oskar):
    project, _recovery = company
    asked = {"actor": oskar, "reason": "Because", "key": a_policy().pk, "now": NOW}

    with pytest.raises(policy_changing.WouldBeRefused) as refused:
        policy_changing.request_creation(**asked, wanted=wanted(project, project))

    assert codes(refused.value.findings) == [("9900", True)]


def test_a_form_that_was_used_for_another_change_is_told_so(company, oskar):
    project, recovery = company
    asked = {"actor": oskar, "reason": "Because", "key": a_policy().pk, "now": NOW}
    first = policy_changing.request_creation(**asked, wanted=wanted(project, recovery))

    with pytest.raises(policy_changing.FormUsed) as refused:
        policy_changing.request_creation(**asked, wanted=wanted(project, recovery, name="another"))

    assert refused.value.change == first
