"""Changes of the cloud's policies from the request to the mirror, whatever happens on the wire."""

import pytest

from replication.models import AuditEntry, Policy, PolicyChange
from replication.services import policy_changing
from tests.journeys.policy_wishes import (
    accepted,
    ask_to_apply,
    ask_to_create,
    ask_to_delete,
    ask_to_remove,
    cloud_policies,
    mirrored_policies,
    request_by,
    the_policy,
    to_rest,
)

pytestmark = pytest.mark.django_db(transaction=True)

CREATE, DELETE = "policies.create", "policies.delete"
APPLY, REMOVE = "vaults.associatepolicy", "vaults.dissociatepolicy"


def statuses():
    return list(PolicyChange.objects.order_by("requested_at", "id").values_list("status", flat=True))


def story():
    """What the audit tells of policies, in its order."""
    return list(
        AuditEntry.objects.filter(action__startswith="policy.")
        .order_by("id")
        .values_list("action", flat=True)
    )


def test_a_policy_is_created_applied_removed_and_deleted(practice, oskar):
    before = cloud_policies(practice)
    ask_to_create(practice, oskar, "replicate-orders")
    to_rest(practice)
    created = cloud_policies(practice)["replicate-orders"]
    ask_to_apply(practice, oskar, "replicate-orders", "vault-orders-db", "vault-payments")
    to_rest(practice)
    applied = cloud_policies(practice)["replicate-orders"], mirrored_policies()["replicate-orders"]
    ask_to_remove(practice, oskar, "replicate-orders", "vault-payments")
    to_rest(practice)
    removed = cloud_policies(practice)["replicate-orders"], mirrored_policies()["replicate-orders"]
    ask_to_delete(practice, oskar, "replicate-orders")
    to_rest(practice)

    both = {"vault-orders-db": "replica-production", "vault-payments": "replica-production"}
    one = {"vault-orders-db": "replica-production"}
    assert (created, applied, removed) == ([{}], ([both], [both]), ([one], [one]))
    assert cloud_policies(practice) == mirrored_policies() == before
    assert accepted(practice) == [CREATE, APPLY, APPLY, REMOVE, DELETE]
    assert statuses() == ["done"] * 5
    assert (
        story()
        == ["policy.requested", "policy.sending", "policy.done"]
        + [
            # Both were asked for at once.
            "policy.requested",
            "policy.requested",
            *["policy.sending", "policy.done"] * 2,
        ]
        + ["policy.requested", "policy.sending", "policy.done"] * 2
    )


def test_a_created_policy_is_in_the_cloud_as_it_was_asked_for(practice, oskar):
    change = ask_to_create(
        practice,
        oskar,
        enabled=False,
        retention_days=None,
        max_backups=7,
        patterns=("FREQ=WEEKLY;BYDAY=SA;BYHOUR=04;BYMINUTE=00",),
    )
    to_rest(practice)

    change.refresh_from_db()
    [found] = [
        one for one in practice.control("GET", "policies")["policies"] if one["id"] == change.policy_id
    ]
    policy = Policy.objects.get(pk=change.known_policy_id)
    assert (found["name"], found["enabled"], found["operation_type"], found["patterns"]) == (
        "replicate-orders",
        False,
        "replication",
        ["FREQ=WEEKLY;BYDAY=SA;BYHOUR=04;BYMINUTE=00"],
    )
    assert found["definition"] == {
        "destination_region": "eu-nl",
        "destination_project_id": policy.destination_project_id,
        "max_backups": 7,
    }
    assert (policy.policy_id, policy.enabled, policy.max_backups, policy.retention_days) == (
        change.policy_id,
        False,
        7,
        None,
    )


LOST = ["close_after_processing", "reset_after_processing", "truncate", "answer_late"]


@pytest.mark.parametrize("fault", LOST)
def test_a_creation_whose_answer_is_lost_is_found_by_reading_and_never_repeated(practice, oskar, fault):
    practice.fault(fault, operation=CREATE, **({"seconds": 0.1} if fault == "answer_late" else {}))
    change = ask_to_create(practice, oskar)

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, accepted(practice), cloud_policies(practice)["replicate-orders"]) == (
        "done",
        [CREATE],
        [{}],
    )
    assert change.known_policy == the_policy("replicate-orders")


@pytest.mark.parametrize("fault", ["close_before_processing", "reset_mid_reading"])
def test_a_creation_that_never_shows_is_given_up_and_not_repeated(practice, oskar, fault):
    practice.fault(fault, operation=CREATE)
    change = ask_to_create(practice, oskar)

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, change.error_code, change.looks >= 3) == ("not_done", "never_seen", True)
    assert practice.control("GET", "calls")["received"][CREATE] == 1
    assert accepted(practice) == []
    again = ask_to_create(practice, oskar)
    to_rest(practice)
    again.refresh_from_db()
    assert (again.status, accepted(practice)) == ("done", [CREATE])


def test_a_creation_that_the_cloud_carries_out_late_is_found(practice, oskar):
    practice.fault("process_late", operation=CREATE, seconds=1)
    change = ask_to_create(practice, oskar)

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, accepted(practice)) == ("done", [CREATE])


@pytest.mark.parametrize("fault", ["close_before_processing", "close_after_processing"])
@pytest.mark.parametrize("operation", [APPLY, REMOVE, DELETE])
def test_other_changes_are_carried_out_whatever_became_of_the_first_answer(practice, oskar, operation, fault):
    practice.fault(fault, operation=operation)
    if operation == APPLY:
        [change] = ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-orders-db")
    elif operation == REMOVE:
        change = ask_to_remove(practice, oskar, "replicate-erp-weekly", "vault-erp")
    else:
        change = ask_to_delete(practice, oskar, "replicate-erp-weekly")

    to_rest(practice)

    change.refresh_from_db()
    erp = {"vault-erp": "replica-production"}
    expected = {
        APPLY: [erp | {"vault-orders-db": "replica-production"}],
        REMOVE: [{}],
        DELETE: None,
    }[operation]
    assert (change.status, accepted(practice)) == ("done", [operation])
    assert cloud_policies(practice).get("replicate-erp-weekly") == expected
    assert mirrored_policies() == cloud_policies(practice)


def test_a_change_that_the_cloud_refuses_says_with_which_code(practice, oskar):
    [change] = ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-orders-db")
    practice.control("POST", f"vaults/{change.vault_id}", {"status": "frozen"})

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, change.error_code, accepted(practice)) == (
        "refused",
        "BackupService.6112",
        [],
    )


def test_a_change_that_somebody_has_made_already_is_done_without_sending(practice, oskar):
    change = ask_to_delete(practice, oskar, "replicate-erp-weekly")
    practice.fault("close_after_processing", operation=DELETE)
    practice.round()
    PolicyChange.objects.update(status="requested", check_after=practice.now(), finished_at=None)

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, practice.control("GET", "calls")["received"][DELETE]) == ("done", 1)


def test_a_vault_that_got_another_policy_meanwhile_keeps_it(practice, oskar, visit_cloud):
    ask_to_create(practice, oskar, "replicate-other")
    to_rest(practice)
    [change] = ask_to_apply(practice, oskar, "replicate-other", "vault-orders-db")
    visit_cloud("replicate-erp-weekly", "vault-orders-db", "replica-production")

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, change.error_code) == ("refused", "vault_taken")
    assert cloud_policies(practice)["replicate-other"] == [{}]


@pytest.fixture
def visit_cloud(practice):
    """Apply a policy in the cloud behind our back."""
    from replication import cloud
    from replication.services import connection

    def apply(policy, vault, destination):
        ids = {name: facts["id"] for name, facts in practice.control("GET", "world")["vaults"].items()}
        policy_id = the_policy(policy).policy_id
        connection.cbr("sandbox-production").change_policies(
            cloud.association(ids[vault], policy_id, ids[destination])
        )

    return apply


def test_a_name_that_was_taken_meanwhile_is_not_made_twice(practice, oskar):
    first = ask_to_create(practice, oskar)
    PolicyChange.objects.update(subject="somebody else's, with a database of their own")
    second = ask_to_create(practice, oskar)

    to_rest(practice)

    first.refresh_from_db()
    second.refresh_from_db()
    assert sorted([(first.status, first.error_code), (second.status, second.error_code)]) == [
        ("done", ""),
        ("refused", "name_taken"),
    ]
    assert accepted(practice) == [CREATE]


def test_a_cloud_that_is_away_is_tried_again_and_then_it_is_done(practice, oskar):
    practice.fault("throttle", operation="policies.list", count=2)
    change = ask_to_create(practice, oskar)

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, accepted(practice)) == ("done", [CREATE])


def test_the_same_form_twice_is_one_change(practice, oskar):
    request = request_by(practice, oskar)
    policy = the_policy("replicate-erp-weekly")

    first = policy_changing.request_deletion(**request, policy=policy)
    second = policy_changing.request_deletion(**request, policy=policy)
    to_rest(practice)
    third = policy_changing.request_deletion(**request, policy=policy)

    assert first.pk == second.pk == third.pk
    assert accepted(practice) == [DELETE]


def test_a_vault_has_one_pending_change_at_a_time(practice, oskar):
    [change] = ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-orders-db")

    with pytest.raises(policy_changing.ChangePending) as refused:
        ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-orders-db", "vault-payments")

    assert refused.value.change == change
    assert PolicyChange.objects.count() == 1


def test_a_requester_who_lost_the_right_changes_nothing(practice, oskar):
    change = ask_to_create(practice, oskar)
    oskar.groups.clear()

    to_rest(practice)

    change.refresh_from_db()
    assert (change.status, change.error_code, accepted(practice)) == (
        "not_done",
        "policy_right_lost",
        [],
    )
