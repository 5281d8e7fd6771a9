"""From a saved check to the scored answer, and the same replication by the command that the page shows."""

import os
import subprocess
import uuid

from replication.models import Check, ForecastScore, Vault
from replication.services import checking, connection, inventory, scoring, triggering
from replication.services.preflight import Rule, Verdict
from replication.services.triggering import Wish
from tests.journeys.wishes import ask


def vault(name):
    return Vault.objects.select_related("project__region").get(name=name)


def destination_of(target):
    return triggering.find_destination(
        region=target.project.region.name, project_id=target.project.project_id, vault_id=target.vault_id
    )


def read_again(practice):
    for name in connection.cloud_names():
        inventory.refresh(name, practice.now)


def test_forecast_of_a_check_is_what_the_cloud_answers(practice, oskar):
    source, target = vault("vault-orders-db"), vault("replica-production")
    check = checking.save_check(
        actor=oskar, source=source, destination=destination_of(target), auto_trigger=False, now=practice.now()
    )
    kept = checking.result_of(Check.objects.get(pk=check.pk)).forecast
    wish = Wish(source, destination_of(target), "Exercise", seen=kept.digest, check_id=str(check.pk))

    replication, _created = triggering.request_replication(
        actor=oskar, wish=wish, key=uuid.uuid4(), now=practice.now()
    )
    practice.round()

    replication.refresh_from_db()
    [call] = practice.accepted()
    answered = {one["backup_id"] for one in call["answer"]["replication"]["backups"]}
    assert {one.backup.backup_id for one in kept.to_replicate} == answered
    assert replication.forecast_score == ForecastScore.RIGHT
    assert (scoring.track_record().right, scoring.track_record().wrong) == (1, 0)


def test_second_look_while_the_first_runs_says_that_the_backups_are_being_copied(practice, oskar):
    first = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()
    read_again(practice)

    found = triggering.forecast(vault("vault-orders-db"), destination_of(vault("replica-production")))

    assert {one.verdict for one in found.verdicts} == {Verdict.COPYING}
    assert sorted(one.backup.backup_id for one in found.verdicts) == sorted(first.forecast["replicate"])
    [busy] = [one for one in found.blockers if one.rule == Rule.NOT_BUSY]
    assert (busy.code, first.reference in busy.text) == ("BackupService.6130", True)


def test_copying_that_somebody_else_started_is_seen_where_the_cloud_tells_it(practice, oskar):
    source, target = vault("vault-orders-db"), vault("replica-production")
    [command] = checking.commands(source, destination_of(target), auto_trigger=False)
    run(command.text)
    read_again(practice)

    found = triggering.forecast(vault("vault-orders-db"), destination_of(target))

    verdicts = {one.verdict for one in found.verdicts}
    states = {one.rule: one.state.value for one in found.rules}
    if practice.profile == "huawei":
        assert (verdicts, states[Rule.NOT_BUSY], states[Rule.ONCE]) == (
            {Verdict.COPYING},
            "warning",
            "warning",
        )
    else:
        assert (verdicts, states[Rule.NOT_BUSY], states[Rule.ONCE]) == (
            {Verdict.REPLICATE},
            "unknown",
            "unknown",
        )


def test_refusal_that_the_mirror_could_not_know_of_counts_as_wrong(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.fault("answer", status=400, code="BackupService.6112", message="The vault status is invalid.")

    practice.round()

    replication.refresh_from_db()
    compared = scoring.compare(replication)
    assert (replication.status, compared.score, compared.code) == (
        "rejected",
        ForecastScore.REFUSED,
        "BackupService.6112",
    )


def test_adopted_replication_is_not_scored_since_its_answer_was_lost(practice, oskar):
    practice.fault("close_after_processing")
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    for _look in range(3):
        practice.round()
        practice.advance(minutes=2)

    replication.refresh_from_db()
    assert (replication.records.count(), replication.forecast_score, scoring.track_record()) == (14, "", None)


def run(text):
    """Run a command as a person does who has pasted it into a shell; return what it printed."""
    token = connection.credentials("sandbox-production").access().token
    done = subprocess.run(
        ["sh", "-c", text.replace("curl ", "curl -sS --noproxy '*' ", 1)],
        env={"OS_TOKEN": token, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_command_of_the_page_does_what_the_button_does(practice, oskar):
    source, target = vault("vault-orders-db"), vault("replica-production")
    [command] = checking.commands(source, destination_of(target), auto_trigger=False)

    printed = run(command.text)

    [call] = practice.accepted()
    assert '"replication"' in printed
    assert len(call["answer"]["replication"]["backups"]) == 14
    assert call["answer"]["replication"]["destination_vault_id"] == target.vault_id
