"""Who may do what: every right for every role, written out by hand."""

import importlib
import inspect
import pkgutil
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from replication import services
from replication.models import (
    AuditEntry,
    Check,
    CloudReading,
    Look,
    PolicyChange,
    PolicyVault,
    RecoveryTarget,
    Replication,
    SavedView,
)
from replication.roles import RIGHTS, NotPermitted, Right, Role, can, require
from replication.services import batches, targets, triggering
from replication.services.policy_limits import NewPolicy
from tests.builders import (
    NOW,
    a_backup,
    a_policy,
    a_replication,
    a_replication_vault,
    a_saved_view,
    a_target,
    a_user,
    a_vault,
)

#                      view  refresh trigger withdraw settle policies targets audit users views prices
TABLE = {
    "viewer":         "yes   -       -       -        -      -        -       -     -     -     -",
    "operator":       "yes   yes     yes     yes      yes    yes      yes     -     -     -     -",
    "auditor":        "yes   -       -       -        -      -        -       yes   -     -     -",
    "administrator":  "yes   yes     -       -        -      -        yes     yes   yes   yes   yes",
}  # fmt: skip


@pytest.mark.parametrize("role", TABLE)
def test_rights_of_a_role(db, role):
    user = a_user("somebody", role)

    allowed = ["yes" if can(user, right) else "-" for right in Right]

    assert allowed == TABLE[role].split()


def test_every_role_is_in_the_table():
    assert list(TABLE) == [role.value for role in Role]


def test_rights_of_several_roles_add_up(db):
    user = a_user("somebody", "operator", "auditor")

    assert {right for right in Right if not can(user, right)} == {
        Right.MANAGE_USERS,
        Right.CURATE_VIEWS,
        Right.SET_PRICES,
    }


def test_user_without_a_role_may_do_nothing(db):
    user = a_user("nobody")

    assert [right for right in Right if can(user, right)] == []


def test_anonymous_and_inactive_may_do_nothing(db):
    inactive = a_user("gone", "operator")
    inactive.is_active = False

    assert [right for right in Right if can(AnonymousUser(), right) or can(inactive, right)] == []


def test_superuser_is_an_administrator_and_no_operator(db):
    user = a_user("root")
    user.is_superuser = True

    assert can(user, Right.MANAGE_USERS)
    assert not can(user, Right.TRIGGER)


def test_refusal_names_the_roles_to_ask(vera):
    with pytest.raises(NotPermitted) as refused:
        require(vera, Right.TRIGGER)

    assert (refused.value.right, refused.value.roles) == (Right.TRIGGER, (Role.OPERATOR,))


#: Every service that acts for a person, the right that it asks for, and what it may be called with.
ACTIONS = {
    "batches.request_batch": (Right.TRIGGER, "batch"),
    "checking.save_check": (Right.TRIGGER, "choice"),
    "inventory.request_refresh": (Right.REFRESH_INVENTORY, "nothing"),
    "triggering.request_replication": (Right.TRIGGER, "wish"),
    "triggering.withdraw_replication": (Right.WITHDRAW, "requested"),
    "triggering.rearm_replication": (Right.SETTLE, "unconfirmed"),
    "triggering.give_up_replication": (Right.SETTLE, "unconfirmed"),
    "triggering.allow_adoption": (Right.SETTLE, "unconfirmed"),
    "policy_changing.request_creation": (Right.MANAGE_POLICIES, "a new policy"),
    "policy_changing.request_applications": (Right.MANAGE_POLICIES, "a policy and a vault"),
    "policy_changing.request_removal": (Right.MANAGE_POLICIES, "a policy on a vault"),
    "policy_changing.request_deletion": (Right.MANAGE_POLICIES, "a policy"),
    "saved_views.save_view": (Right.VIEW, "a filter"),
    "saved_views.change_view": (Right.CURATE_VIEWS, "somebody's shared view"),
    "saved_views.delete_view": (Right.CURATE_VIEWS, "somebody's shared view"),
    "targets.set_target": (Right.SET_TARGETS, "scope"),
    "targets.remove_target": (Right.SET_TARGETS, "target"),
}
#: One writes what others do and acts for nobody; one keeps how a person sees pages, whatever that person may do.
#: One writes down what its callers, who are in the list above, have checked the right for.
NO_ACTION = {"audit.record", "preferences.remember_preferences", "triggering.write_down"}


def services_that_act_for_somebody():
    """Return the public functions of the services that take an actor, by module and name."""
    modules = [
        importlib.import_module(f"replication.services.{found.name}")
        for found in pkgutil.iter_modules(services.__path__)
    ]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and "actor" in inspect.signature(function).parameters
    }


def test_every_service_that_acts_for_somebody_is_in_the_list():
    assert services_that_act_for_somebody().keys() == ACTIONS.keys() | NO_ACTION


@pytest.mark.parametrize("role", [*TABLE, "nobody", "deactivated"])
@pytest.mark.parametrize("action", ACTIONS)
def test_service_lets_those_act_who_have_the_right_and_nobody_else(db, action, role):
    right, needs = ACTIONS[action]
    actor = a_user("somebody", "operator" if role == "deactivated" else role)
    actor.is_active = role != "deactivated"
    arguments = what_it_takes(needs, action)
    before = everything()

    def act():
        services_that_act_for_somebody()[action](actor=actor, now=SETTLED, **arguments)

    if role in TABLE and right in RIGHTS[Role(role)]:
        act()
        # A batch is told once more for each of its replications.
        assert {entry.actor for entry in AuditEntry.objects.all()} == {actor}
        assert everything() != before
    else:
        with pytest.raises(NotPermitted) as refused:
            act()
        assert (refused.value.right, everything(), AuditEntry.objects.count()) == (right, before, 0)


#: When every look that a person needs as evidence is done.
SETTLED = NOW + timedelta(hours=1)


def what_it_takes(needs, action):
    """Return the arguments of an action in a state in which it would be carried out."""
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source)
    if needs == "nothing":
        return {}
    if needs == "a filter":
        return {"table": "replications", "name": "Failed", "query": "status=failed", "is_shared": False}
    if needs == "somebody's shared view":
        view = a_saved_view(owner=a_user("owner", "viewer"), is_shared=True)
        return {"view": view} | (
            {"name": "Trouble", "is_shared": False} if action.endswith("change_view") else {}
        )
    if action.startswith("policy_changing."):
        return what_a_policy_takes(needs, source, destination)
    if needs == "scope":
        return {"scope": targets.Scope(vault=source), "hours": 24}
    if needs == "target":
        return {"target": a_target(vault=source)}
    target = triggering.find_destination(
        region="eu-nl", project_id=destination.project.project_id, vault_id=destination.vault_id
    )
    if needs == "batch":
        return {"wish": batches.BatchWish((source,), target, "Exercise"), "key": uuid.uuid4()}
    if needs == "choice":
        return {"source": source, "destination": target, "auto_trigger": False}
    if needs == "wish":
        return {"wish": triggering.Wish(source, target, "Exercise"), "key": uuid.uuid4()}
    replication = a_replication(source=source, destination=destination, status=needs)
    if needs == "requested":
        return {"replication": replication}
    found = 1 if action == "triggering.allow_adoption" else 0
    for minutes in (1, 10, 59):
        at = NOW + timedelta(minutes=minutes)
        Look.objects.create(replication=replication, at=at, complete=True, found=found)
    return {"replication": replication, "reason": "The cloud shows it"}


def what_a_policy_takes(needs, source, destination):
    arguments = {"key": uuid.uuid4(), "reason": "Recovery plan"}
    if needs == "a new policy":
        project, target = source.project, destination.project
        return arguments | {
            "wanted": NewPolicy(project, "new", enabled=True, destination=target, patterns=("FREQ=DAILY",))
        }
    arguments["policy"] = policy = a_policy(project=source.project)
    if needs == "a policy and a vault":
        return arguments | {"vaults": [source], "destination": destination}
    if needs == "a policy on a vault":
        PolicyVault.objects.create(policy=policy, vault_id=source.vault_id, source_vault=source)
        return arguments | {"vault": source}
    return arguments


def everything():
    """Return what an action might change."""
    return (
        list(Replication.objects.order_by("pk").values()),
        list(CloudReading.objects.order_by("pk").values()),
        list(Check.objects.order_by("pk").values()),
        list(SavedView.objects.order_by("pk").values()),
        list(PolicyChange.objects.order_by("pk").values()),
        list(RecoveryTarget.objects.order_by("pk").values()),
    )
