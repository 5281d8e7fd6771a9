"""Many vaults at once: what would happen to each, what is left out, and that one key makes one batch."""

import threading
import uuid

import pytest
from django.db import connection as database

from replication.models import AuditEntry, Batch, Project, Replication, Vault
from replication.roles import NotPermitted
from replication.services import batches, triggering
from replication.services.batches import BatchWish
from replication.services.preflight import Destination
from tests.builders import (
    NOW,
    a_backup,
    a_project,
    a_record,
    a_replication,
    a_replication_vault,
    a_user,
    a_vault,
)

REASON = "Before the maintenance window"


def to(vault):
    return Destination(
        region=vault.project.region.name,
        project_id=vault.project.project_id,
        vault_id=vault.vault_id,
        vault=vault,
    )


def some_vaults(number, **fields):
    vaults = [a_vault(name=f"vault-{place:03}", **fields) for place in range(number)]
    for vault in vaults:
        a_backup(vault=vault, resource_size_gb=40)
    return vaults


def ask(actor, vaults, destination, *, key=None, **more):
    wish = BatchWish(tuple(vaults), to(destination), REASON, **more)
    return batches.request_batch(actor=actor, wish=wish, key=key or uuid.uuid4(), now=NOW, request_id="web-1")


def test_plan_tells_of_each_vault_what_would_happen_and_adds_it_up(db):
    destination = a_replication_vault()
    fit, nothing_new, locked, empty, busy = (
        a_vault(name=name, **fields)
        for name, fields in (
            ("fit", {}),
            ("nothing-new", {}),
            ("locked", {"status": "lock"}),
            ("empty", {}),
            ("busy", {}),
        )
    )
    for vault in (fit, fit, nothing_new, locked, busy):
        a_backup(vault=vault, resource_size_gb=40)
    a_backup(vault=fit, resource_size_gb=None)
    a_backup(vault=fit, status="error")
    past = a_replication(source=nothing_new, destination=destination, status="succeeded")
    a_record(replication=past, backup_id=nothing_new.backups.get().backup_id, status="succeeded")
    a_replication(source=busy, destination=destination, status="running")

    plan = batches.make_plan([fit, nothing_new, locked, empty, busy], to(destination))

    told = {one.vault.name: str(one.obstacle.text) if one.obstacle else "" for one in plan.candidates}
    reference = Replication.objects.get(source_vault=busy).reference
    assert told == {
        "fit": "",
        "nothing-new": "",
        "locked": "Its status is “lock”, not “available”.",
        "empty": "The vault has no backups.",
        "busy": f"It is being replicated to eu-nl already: replication {reference}, requested by oskar.",
    }
    assert (plan.backups, plan.known_gb, plan.unknown_sizes) == (3, 80, 1)
    assert [one.vault.name for one in plan.left_out] == ["locked", "empty", "busy"]


def test_room_is_held_against_the_sum_and_not_against_each_vault(db):
    # 600 GB free.
    destination = a_replication_vault()
    vaults = some_vaults(16)

    fits = batches.make_plan(vaults[:15], to(destination)).room
    tight = batches.make_plan(vaults, to(destination))

    assert fits is None
    assert (
        str(tight.room.text)
        == "The destination vault has 600 GB left; the servers behind all these backups have 640 GB of disks together. "
        "They may not fit: what finds no room fails, or is refused."
    )
    assert {one.warnings for one in tight.candidates} == {()}


@pytest.mark.parametrize("fields", [{"auto_expand": True}, {"used_mb": None}])
def test_nothing_is_said_of_room_where_the_vault_grows_or_nobody_knows(db, fields):
    destination = a_replication_vault(**fields)

    assert batches.make_plan(some_vaults(16), to(destination)).room is None


def test_plan_for_312_vaults_asks_as_often_as_for_one(db, django_assert_num_queries):
    destination = a_replication_vault(auto_expand=True)
    some_vaults(312)
    vaults = list(Vault.objects.sources().select_related("project__region"))

    for some in (vaults[:1], vaults):
        with django_assert_num_queries(3):
            plan = batches.make_plan(some, to(destination))
            assert len(plan.going) == len(some)


def test_batch_is_written_with_its_replications_and_one_entry_for_all(oskar):
    destination = a_replication_vault()
    vaults = some_vaults(3)

    batch, is_new = ask(oskar, vaults, destination)

    assert is_new
    assert list(
        batch.replications.order_by("source_vault__name").values_list(
            "source_vault__name", "status", "reason", "actor__username", "destination_region", "check_after"
        )
    ) == [(f"vault-{place:03}", "requested", REASON, "oskar", "eu-nl", NOW) for place in range(3)]
    entries = AuditEntry.objects.order_by("id").values_list("action", "actor_name", "request_id")
    assert list(entries) == [("replication.requested", "oskar", "web-1")] * 3 + [
        ("batch.requested", "oskar", "web-1")
    ]
    assert AuditEntry.objects.first().details == {
        "batch": str(batch.pk),
        "reason": REASON,
        "replications": 3,
        "left_out": [],
        "expected_backups": 3,
        "destination_region": "eu-nl",
        "destination_project_id": destination.project.project_id,
        "destination_vault_id": destination.vault_id,
    }


def test_same_key_again_gives_the_same_batch(oskar):
    destination, vaults, key = a_replication_vault(), some_vaults(3), uuid.uuid4()
    locked = a_vault(name="locked", status="lock")

    first, made = ask(oskar, vaults, destination, key=key, omitted=(locked,))
    again, made_again = ask(oskar, vaults, destination, key=key, omitted=(locked,))

    assert (first, made, made_again) == (again, True, False)
    assert (Batch.objects.count(), Replication.objects.count()) == (1, 3)


def test_key_of_another_batch_is_refused(oskar):
    destination, other = a_replication_vault(), a_replication_vault(name="other")
    vaults, key = some_vaults(3), uuid.uuid4()
    ask(oskar, vaults[:2], destination, key=key)

    for wanted, where in ((vaults, destination), (vaults[:1], destination), (vaults[:2], other)):
        with pytest.raises(batches.BatchKeyReused):
            ask(oskar, wanted, where, key=key)

    assert (Batch.objects.count(), Replication.objects.count()) == (1, 2)


def test_what_was_seen_to_be_left_out_is_kept_with_its_reason(oskar):
    destination = a_replication_vault()
    locked = a_vault(name="locked", status="lock")
    unlocked = a_vault(name="unlocked-since")
    a_backup(vault=unlocked)

    batch, _made = ask(oskar, some_vaults(1), destination, omitted=(locked, unlocked))

    assert batch.left_out == [
        {
            "vault": str(locked.pk),
            "name": "locked",
            "project": "eu-de / eu-de_production",
            "reason": "Its status is “lock”, not “available”.",
            "code": "BackupService.6112",
        },
        {
            "vault": str(unlocked.pk),
            "name": "unlocked-since",
            "project": "eu-de / eu-de_production",
            "reason": "It could not be replicated when the batch was confirmed.",
            "code": "",
        },
    ]
    assert Replication.objects.count() == 1


def test_vault_that_became_active_meanwhile_is_told_and_stops_nothing(oskar):
    destination = a_replication_vault()
    vaults = some_vaults(3)
    plan = batches.make_plan(vaults, to(destination))
    seen = {one.vault.pk: one.digest for one in plan.candidates}
    a_replication(source=vaults[1], destination=destination, status="running")

    batch, _made = ask(oskar, vaults, destination, seen=seen)

    assert [one.source_vault.name for one in batch.replications.order_by("source_vault__name")] == [
        "vault-000",
        "vault-002",
    ]
    assert [(told["name"], told["code"]) for told in batch.left_out] == [("vault-001", "BackupService.6130")]


def test_somebody_who_is_faster_than_our_insert_is_told_as_well(oskar, monkeypatch):
    destination = a_replication_vault()
    vaults = some_vaults(3)
    plan_made = batches.make_plan

    def plan_then_lose_the_race(*args):
        plan = plan_made(*args)
        a_replication(source=vaults[1], destination=destination, status="submitting")
        return plan

    monkeypatch.setattr(batches, "make_plan", plan_then_lose_the_race)

    batch, _made = ask(oskar, vaults, destination)

    assert (batch.replications.count(), [told["name"] for told in batch.left_out]) == (2, ["vault-001"])
    assert AuditEntry.objects.filter(action="replication.requested").count() == 2


def test_nothing_is_written_when_something_else_would_happen_than_was_seen(oskar):
    destination = a_replication_vault()
    vaults = some_vaults(3)
    seen = {one.vault.pk: one.digest for one in batches.make_plan(vaults, to(destination)).candidates}
    a_backup(vault=vaults[2])

    with pytest.raises(batches.PlanChanged) as refusal:
        ask(oskar, vaults, destination, seen=seen)

    assert refusal.value.plan.backups == 4
    assert (Batch.objects.count(), Replication.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)


def test_batch_of_nothing_is_refused(oskar):
    destination = a_replication_vault()
    locked = a_vault(name="locked", status="lock")
    busy = some_vaults(1)
    a_replication(source=busy[0], destination=destination, status="running")

    for wanted in ((), (locked,), busy):
        with pytest.raises(batches.NothingToReplicate):
            ask(oskar, wanted, destination)

    assert Batch.objects.count() == 0


def test_more_vaults_than_a_batch_takes_are_refused(oskar, monkeypatch):
    monkeypatch.setattr(batches, "MOST_VAULTS", 2)

    with pytest.raises(batches.TooManyVaults):
        ask(oskar, some_vaults(3), a_replication_vault())


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
def test_only_operators_may_ask(request, who):
    actor = request.getfixturevalue(who)
    vaults = some_vaults(2)

    with pytest.raises(NotPermitted):
        ask(actor, vaults, a_replication_vault())

    assert (Batch.objects.count(), Replication.objects.count()) == (0, 0)


def test_ids_typed_by_hand_that_contradict_the_inventory_leave_out_all(oskar):
    somewhere = a_project("eu-ch2_spare")
    wrong = triggering.find_destination(
        region="eu-nl", project_id=somewhere.project_id, vault_id=str(uuid.uuid4())
    )

    plan = batches.make_plan(some_vaults(2), wrong)

    assert plan.going == ()
    assert Project.objects.get(pk=somewhere.pk).region.name == "eu-ch2"


@pytest.mark.django_db(transaction=True)
def test_double_click_on_two_servers_makes_one_batch():
    oskar = a_user("oskar", "operator")
    destination, vaults, key = a_replication_vault(), some_vaults(8), uuid.uuid4()
    found = []

    def click():
        try:
            found.append(ask(oskar, vaults, destination, key=key))
        finally:
            database.close()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert sorted(made for _batch, made in found) == [False, False, False, True]
    assert len({batch.pk for batch, _made in found}) == 1
    assert (Batch.objects.count(), Replication.objects.count()) == (1, 8)


@pytest.mark.django_db(transaction=True)
def test_two_people_with_the_same_vaults_get_each_vault_once():
    people = [a_user("oskar", "operator"), a_user("olga", "operator")]
    destination, vaults = a_replication_vault(), some_vaults(12)
    found = []

    def click(person, wanted):
        try:
            found.append(ask(person, wanted, destination)[0])
        except batches.NothingToReplicate:
            found.append(None)
        finally:
            database.close()

    clicks = [
        threading.Thread(target=click, args=(person, wanted))
        for person, wanted in zip(people, (vaults, vaults[::-1]), strict=True)
    ]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    made = [batch for batch in found if batch]
    assert len(found) == 2
    assert Replication.objects.count() == 12
    assert sum(batch.replications.count() + len(batch.left_out) for batch in made) in {12, 24}
