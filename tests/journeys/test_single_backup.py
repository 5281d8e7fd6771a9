"""One backup by itself, from the wish to the replica: over the documented call, in turn with others, never twice."""

from copy import copy
from datetime import timedelta

import pytest

from replication.models import Replication
from replication.services import connection, outcome, reconciliation, submission, triggering
from replication.services.triggering import AlreadyActive, NotReplicable
from tests.journeys.test_faults import to_rest
from tests.journeys.test_sweep import forget_the_sending, sweep
from tests.journeys.wishes import ask, backups_of
from tests.practice import practising

VAULT = "vault-orders-db"
PLACE = {"source": VAULT, "destination": "replica-production"}


def ask_elsewhere(practice, replication):
    """Send what a replication would, as somebody in the console does; return what the cloud made of it."""
    client = connection.cbr(replication.source_vault.project.cloud)
    outcome.Delivery(replication, "console", 1).send(client, before_connecting=lambda: None)
    return practice.accepted()[-1]


def replace_backup(replication, backup_id):
    """Return the same wish about another backup, as it was never stored."""
    other = copy(replication)
    other.backup_id = backup_id
    return other


def standing_of(*replications):
    """Return the status of each."""
    return [Replication.objects.values_list("status", flat=True).get(pk=one.pk) for one in replications]


def test_backup_is_sent_by_its_own_call_followed_and_seen_to_arrive_under_its_name(practice, oskar):
    chosen = backups_of(VAULT)[1]
    replication = ask(practice, oskar, **PLACE, backup=chosen, name="recovery-test", description="Before 2.0")

    practice.round()
    to_rest(practice, replication)

    [call] = practice.accepted()
    record = replication.records.get()
    assert (call["operation"], call["backup_ids"], call["vault_id"]) == (
        "backups.replicate",
        [chosen],
        replication.vault_id,
    )
    assert call["body"] == {
        "replicate": {
            "destination_region": "eu-nl",
            "destination_project_id": replication.destination_project_id,
            "destination_vault_id": replication.destination_vault_id,
            "name": "recovery-test",
            "description": "Before 2.0",
        }
    }
    assert (replication.status, replication.response) == ("succeeded", call["answer"])
    assert (record.backup_id, record.replication_record_id, record.has_arrived) == (
        chosen,
        call["record_ids"][0],
        True,
    )
    assert record.destination_backup_id


def test_backup_without_a_name_leaves_it_to_the_cloud(practice, oskar):
    replication = ask(practice, oskar, **PLACE, backup=backups_of(VAULT)[0])

    practice.round()
    to_rest(practice, replication)

    [call] = practice.accepted()
    assert set(call["body"]["replicate"]) == {
        "destination_region",
        "destination_project_id",
        "destination_vault_id",
    }
    assert (replication.status, replication.records.get().has_arrived) == ("succeeded", True)


def test_several_of_one_vault_take_turns_and_each_is_sent_once(practice, oskar):
    chosen = backups_of(VAULT)[:3]
    replications = [ask(practice, oskar, **PLACE, backup=backup_id) for backup_id in chosen]
    seen = []

    for _round in range(200):
        practice.round()
        seen.append(sorted(standing_of(*replications)))
        practice.advance(seconds=15)
        if seen[-1] == ["succeeded"] * 3:
            break

    assert seen[0] == ["requested", "requested", "running"]
    assert seen[-1] == ["succeeded"] * 3
    assert max(statuses.count("running") for statuses in seen) == 1
    assert sorted(call["backup_ids"][0] for call in practice.accepted()) == sorted(chosen)
    assert {one.attempts.count() for one in replications} == {1}


def test_unclear_one_keeps_the_others_of_its_vault_waiting(practice, oskar):
    first, second = backups_of(VAULT)[:2]
    practice.fault("close_before_processing", operation="backups.replicate")
    unclear = ask(practice, oskar, **PLACE, backup=first)
    submission.submit(unclear.pk, worker_id="worker-1", clock=practice.now)
    waiting = ask(practice, oskar, **PLACE, backup=second)

    for _look in range(4):
        practice.advance(minutes=2)
        practice.round()

    assert standing_of(unclear, waiting) == ["unconfirmed", "requested"]
    assert (practice.accepted(), waiting.attempts.count()) == ([], 0)


def test_two_workers_that_claim_two_of_one_vault_in_the_same_instant_send_one(practice, oskar):
    first, second = (ask(practice, oskar, **PLACE, backup=one) for one in backups_of(VAULT)[:2])
    ready = submission._prepare(second, practice.now)
    submission.submit(first.pk, worker_id="worker-1", clock=practice.now)

    # What the second worker has looked at before is out of date: only the constraint knows.
    with pytest.raises(submission.IntegrityError, match=r"(?i)unique"):
        submission._claim(second, ready[1], "worker-2", practice.now)
    submission.submit(second.pk, worker_id="worker-2", clock=practice.now)

    second.refresh_from_db()
    assert (second.status, second.attempt, second.attempts.count()) == ("requested", 0, 0)
    assert practice.now() < second.check_after <= practice.now() + timedelta(seconds=10)
    assert [call["backup_ids"] for call in practice.accepted()] == [[first.backup_id]]


@pytest.mark.parametrize("profile", ["otc", "huawei"])
def test_lost_answer_is_found_by_its_backup_and_not_taken_for_another(db, settings, oskar, profile):
    with practising(profile, settings, duplicate_guard="off") as practice:
        ours, theirs = backups_of(VAULT)[:2]
        replication = ask(practice, oskar, **PLACE, backup=ours)
        client, baseline = submission._prepare(replication, practice.now)
        claim = submission._claim(replication, baseline, "worker that dies", practice.now)
        # Somebody else's work on another backup of the same vault, to the same place, in the same minute.
        ask_elsewhere(practice, replace_backup(replication, theirs))
        lost = claim.delivery.send(client, before_connecting=lambda: None)
        practice.advance(minutes=4)
        reconciliation.release_dead_claims(practice.now())

        practice.round()
        to_rest(practice, replication)

        record = replication.records.get()
        assert (replication.status, record.backup_id) == ("succeeded", ours)
        assert record.replication_record_id in {"", lost.backups[0].replication_record_id}
        assert replication.audit_entries.filter(action="replication.adopted").count() == 1
        assert [call["backup_ids"] for call in practice.accepted()] == [[theirs], [ours]]


def test_whole_vault_is_refused_while_single_backups_of_it_wait(practice, oskar):
    waiting = ask(practice, oskar, **PLACE, backup=backups_of(VAULT)[0])

    with pytest.raises(AlreadyActive) as refused:
        ask(practice, oskar, **PLACE)

    assert (refused.value.replication, Replication.objects.filter(backup_id="").count()) == (waiting, 0)


def test_single_backup_is_refused_while_its_whole_vault_is_active(practice, oskar):
    whole = ask(practice, oskar, **PLACE)

    with pytest.raises(AlreadyActive) as refused:
        ask(practice, oskar, **PLACE, backup=backups_of(VAULT)[0])

    assert (refused.value.replication, Replication.objects.count()) == (whole, 1)


def test_same_backup_is_refused_while_it_is_active(practice, oskar):
    chosen = backups_of(VAULT)[0]
    first = ask(practice, oskar, **PLACE, backup=chosen)

    with pytest.raises(AlreadyActive) as refused:
        ask(practice, oskar, **PLACE, backup=chosen, name="another-name")

    assert refused.value.replication == first


def test_backup_is_replicated_again_only_once_its_replica_is_deleted(practice, oskar):
    chosen = backups_of(VAULT)[0]
    first = ask(practice, oskar, **PLACE, backup=chosen)
    practice.round()
    to_rest(practice, first)
    practice.read_inventory()
    with pytest.raises(NotReplicable) as refused:
        ask(practice, oskar, **PLACE, backup=chosen)

    practice.control("DELETE", f"backups/{first.records.get().destination_backup_id}")
    practice.read_inventory()
    second = ask(practice, oskar, **PLACE, backup=chosen)
    practice.round()
    to_rest(practice, second)

    assert [finding.code for finding in refused.value.forecast.blockers] == ["BackupService.1009"]
    assert (second.status, len(practice.accepted())) == ("succeeded", 2)


@pytest.mark.parametrize("number", [1, 2])
def test_restored_database_finds_what_it_had_sent_and_sends_none_of_it_again(practice, oskar, number):
    sweep(practice)
    sent = []
    for backup_id in backups_of(VAULT)[:number]:
        sent.append(ask(practice, oskar, **PLACE, backup=backup_id))
        practice.round()
        to_rest(practice, sent[-1])
    for replication in sent:
        forget_the_sending(replication)

    sweep(practice)
    for _round in range(40):
        practice.round()
        practice.advance(minutes=1)

    assert standing_of(*sent) == ["succeeded"] * number
    assert len(practice.accepted()) == number
    assert Replication.objects.filter(origin="foreign", requested_at__gte=sent[0].requested_at).count() == 0


def test_one_that_waited_while_somebody_elsewhere_took_its_backup_is_not_sent(practice, oskar):
    first, second = backups_of(VAULT)[:2]
    running = ask(practice, oskar, **PLACE, backup=first)
    practice.round()
    waiting = ask(practice, oskar, **PLACE, backup=second)
    to_rest(practice, running)
    # The console: the same call by somebody else.
    elsewhere = ask_elsewhere(practice, waiting)

    for _round in range(30):
        practice.round()
        practice.advance(minutes=1)

    assert standing_of(waiting) == ["succeeded"]
    assert [one.replication_record_id for one in waiting.records.all()] in ([""], elsewhere["record_ids"])
    assert len(practice.accepted()) == 2


def test_withdrawn_one_is_never_sent(practice, oskar):
    replication = ask(practice, oskar, **PLACE, backup=backups_of(VAULT)[0])
    triggering.withdraw_replication(actor=oskar, replication=replication, now=practice.now())

    practice.round()

    assert (standing_of(replication), practice.accepted()) == (["cancelled"], [])
