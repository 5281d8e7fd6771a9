"""Following an accepted replication: by three sources, never backwards, and never success by absence."""

from datetime import timedelta

import pytest

from replication.models import AuditEntry, CloudReading, Evidence, Project, Replication
from replication.services import connection, evidence, progress
from replication.services.evidence import SourceReading
from tests.builders import NOW, a_record, a_replication, a_sighting, a_vault
from tests.journeys.wishes import ask

LATER = NOW + timedelta(minutes=1)


def seen(record):
    return record.status, record.cloud_status, record.progress_percent, record.evidence


@pytest.fixture
def replication(db):
    return a_replication(status="running", baseline={"operation_log": []})


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("waiting_replicate", "waiting"),
        ("replicating", "running"),
        ("success", "succeeded"),
        ("fail", "failed"),
        ("skip", "skipped"),
        ("waiting", "waiting"),
        ("running", "running"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("timeout", "timed_out"),
        ("thawing", "unknown"),
        ("Success", "unknown"),
    ],
)
def test_word_of_the_cloud_is_kept_beside_ours(replication, word, status):
    record = a_record(replication=replication)

    stored = progress.advance(record, a_sighting(word=word, progress_percent=7), LATER)

    assert (stored, seen(record)) == (True, (status, word, 7, "operation_log"))
    assert (record.read_at, record.changed_at) == (LATER, LATER)
    assert record.finished_at == (LATER if status not in {"waiting", "running", "unknown"} else None)


def test_word_that_nobody_knows_is_followed_on_until_it_is_one_we_know(replication):
    record = a_record(replication=replication)

    progress.advance(record, a_sighting(word="thawing"), NOW)
    progress.advance(record, a_sighting(word="success", progress_percent=100), LATER)

    assert (seen(record), record.finished_at) == (("succeeded", "success", 100, "operation_log"), LATER)


def test_endless_word_is_cut_to_what_is_stored(replication):
    record = a_record(replication=replication)

    progress.advance(record, a_sighting(word="x" * 500), NOW)
    record.save()

    assert seen(record) == ("unknown", "x" * 64, None, "operation_log")


def test_percent_and_status_never_go_back(replication):
    record = a_record(replication=replication)

    shown = []
    for word, percent in [
        ("running", 40),
        ("running", 30),
        ("waiting", 0),
        ("running", None),
        ("running", 41),
    ]:
        progress.advance(record, a_sighting(word=word, progress_percent=percent), NOW)
        shown.append((record.status, record.progress_percent))

    assert shown == [("running", 40)] * 4 + [("running", 41)]


def test_final_record_hears_no_more(replication):
    record = a_record(replication=replication, status="succeeded", finished_at=NOW, progress_percent=100)

    stored = progress.advance(record, a_sighting(word="failed", error_code="BackupService.1006"), LATER)

    assert (stored, record.status, record.error_code, record.finished_at) == (False, "succeeded", "", NOW)


def test_failure_keeps_code_and_words(replication):
    record = a_record(replication=replication)

    progress.advance(
        record, a_sighting(word="fail", error_code="BackupService.1006", error_message="Import failed."), NOW
    )

    assert (record.error_code, record.error_message) == ("BackupService.1006", "Import failed.")


def test_look_without_news_is_confirmed_but_no_change(replication):
    record = a_record(replication=replication)
    progress.advance(record, a_sighting(progress_percent=7), NOW)

    progress.advance(record, a_sighting(progress_percent=7), LATER)

    assert (record.read_at, record.changed_at) == (LATER, NOW)


def advance_all(replication, records, *sightings, evidence=Evidence.LOG):
    progress.advance_all(replication, records, SourceReading(evidence, sightings), LATER)
    return [(record.status, record.operation_log_id) for record in records]


def test_record_is_found_by_its_record_id(replication):
    records = [a_record(replication=replication, replication_record_id=f"rr-{n}") for n in (1, 2)]
    told = a_sighting(evidence=Evidence.RECORDS, key="rr-2", word="replicating")

    assert advance_all(replication, records, told, evidence=Evidence.RECORDS) == [
        ("waiting", ""),
        ("running", ""),
    ]


def test_record_is_found_by_the_backup_that_its_log_names(replication):
    records = [a_record(replication=replication, backup_id=f"b-{n}") for n in (1, 2)]
    log = a_sighting(key="log-2", backup_id="b-2")

    assert advance_all(replication, records, log) == [("waiting", ""), ("running", "log-2")]


def test_record_keeps_to_the_log_that_it_was_found_in(replication):
    record = a_record(replication=replication, backup_id="b-1", operation_log_id="log-1")

    later_work = a_sighting(key="log-9", word="failed")

    assert advance_all(replication, [record], later_work, a_sighting(key="log-1")) == [("running", "log-1")]


def test_of_several_logs_of_a_backup_the_earliest_is_ours(replication):
    record = a_record(replication=replication, backup_id="b-1")
    logs = [
        a_sighting(key="log-3", created_at=None),
        a_sighting(key="log-2", created_at=NOW + timedelta(hours=2), word="failed"),
        a_sighting(key="log-1", created_at=NOW + timedelta(seconds=2)),
    ]

    assert advance_all(replication, [record], *logs) == [("running", "log-1")]


def test_log_from_before_the_sending_is_not_ours(db):
    replication = a_replication(status="running", baseline={"operation_log": ["log-1"]})
    record = a_record(replication=replication, backup_id="b-1")

    assert advance_all(replication, [record], a_sighting()) == [("waiting", "")]


def test_log_that_another_record_owns_is_not_ours(replication):
    other = a_replication(source=a_vault(name="vault-mail"), destination=replication.destination)
    a_record(replication=other, operation_log_id="log-1")
    record = a_record(replication=replication, backup_id="b-1")

    assert advance_all(replication, [record], a_sighting()) == [("waiting", "")]


@pytest.mark.parametrize(
    ("resources", "logs", "found"),
    [
        (["server-1"], ["server-1"], ["log-0"]),
        (["server-1", "server-2"], ["server-2"], ["", "log-0"]),
        # Two backups of one server, or two logs of it: nobody can tell, so nobody guesses.
        (["server-1", "server-1"], ["server-1"], ["", ""]),
        (["server-1"], ["server-1", "server-1"], [""]),
        ([""], [""], [""]),
    ],
)
def test_log_that_names_no_backup_is_found_by_its_server_where_that_is_clear(
    replication, resources, logs, found
):
    records = [a_record(replication=replication, resource_id=resource) for resource in resources]
    sightings = [
        a_sighting(key=f"log-{n}", backup_id="", resource_id=resource) for n, resource in enumerate(logs)
    ]

    advance_all(replication, records, *sightings)

    assert [record.operation_log_id for record in records] == found


def follow(practice, replication, *, minutes=5, looks=120):
    """Let time pass until nothing is left to see."""
    for _look in range(looks):
        practice.advance(minutes=minutes)
        progress.check_due(practice.now(), practice.now)
        replication.refresh_from_db()
        if not replication.may_change:
            return


def a_running_one(practice, actor, source="vault-orders-db", destination="replica-production"):
    replication = ask(practice, actor, source=source, destination=destination)
    practice.round()
    replication.refresh_from_db()
    assert replication.status == "running"
    return replication


def statuses(replication):
    return set(replication.records.values_list("status", "evidence"))


def test_followed_by_the_operation_log(practice, oskar):
    replication = a_running_one(practice, oskar)

    follow(practice, replication)

    assert (replication.status, statuses(replication)) == ("succeeded", {("succeeded", "operation_log")})
    assert all(replication.records.values_list("operation_log_id", flat=True))


def test_followed_by_replication_records(telling_practice, oskar):
    replication = a_running_one(telling_practice, oskar)

    follow(telling_practice, replication)

    assert (replication.status, statuses(replication)) == (
        "succeeded",
        {("succeeded", "replication_records")},
    )
    assert all(replication.records.values_list("destination_backup_id", flat=True))


def test_followed_by_replicas_where_the_source_does_not_say_a_word(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.fault(
        "changed_field", operation="operation_logs.list", field="operation_logs", value=[], count=1000
    )

    follow(practice, replication)

    assert (replication.status, statuses(replication)) == ("succeeded", {("succeeded", "replica")})
    assert replication.records.filter(arrived_at=None).count() == 0


def test_followed_by_replicas_where_the_source_fell_silent_on_the_way(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.advance(seconds=1)
    progress.check_due(practice.now(), practice.now)
    spoken = replication.records.exclude(evidence="").count()
    practice.fault(
        "changed_field", operation="operation_logs.list", field="operation_logs", value=[], count=1000
    )

    follow(practice, replication)

    assert spoken > 0
    assert (replication.status, replication.records.filter(arrived_at=None).count()) == ("succeeded", 0)


def test_vanished_record_is_never_success(telling_practice, oskar):
    replication = a_running_one(telling_practice, oskar)
    telling_practice.fault("changed_field", operation="backups.list", field="backups", value=[], count=1000)

    follow(telling_practice, replication, looks=20)

    assert (replication.status, statuses(replication)) == ("running", {("waiting", "")})
    assert replication.is_stalled(telling_practice.now())


def test_unknown_word_is_shown_as_it_is_and_followed_on(telling_practice, oskar):
    replication = a_running_one(telling_practice, oskar)
    telling_practice.fault(
        "changed_field",
        operation="backups.list",
        field="backups.replication_records.status",
        value="thawing",
        count=2,
    )
    telling_practice.advance(seconds=2)

    progress.check_due(telling_practice.now(), telling_practice.now)
    shown = set(replication.records.values_list("status", "cloud_status"))
    replication.refresh_from_db()
    meanwhile = replication.status
    telling_practice.control("DELETE", "faults")
    follow(telling_practice, replication)

    assert (shown, meanwhile, replication.status) == ({("unknown", "thawing")}, "running", "succeeded")


@pytest.mark.parametrize(
    ("outcome", "record_status", "status"),
    [
        ("failed", "failed", "partial"),
        ("skipped", "skipped", "succeeded"),
        ("timed_out", "timed_out", "partial"),
    ],
)
def test_single_backup_that_ends_otherwise_decides_the_whole(practice, oskar, outcome, record_status, status):
    practice.fault("fail_backup", outcome=outcome)
    replication = a_running_one(practice, oskar)

    follow(practice, replication)

    assert (replication.status, replication.records.filter(status=record_status).count()) == (status, 1)
    [finished] = AuditEntry.objects.filter(action="replication.finished")
    assert finished.details == {
        "arrived": finished.details["arrived"],
        "succeeded": replication.records.count() - 1,
        record_status: 1,
    }


def test_all_backups_failed_is_failed(practice, oskar):
    replication = a_running_one(practice, oskar)
    replication.records.exclude(pk=replication.records.first().pk).delete()
    practice.fault(
        "changed_field",
        operation="operation_logs.list",
        field="operation_logs.status",
        value="failed",
        count=1000,
    )

    follow(practice, replication)

    assert (replication.status, replication.check_after) == ("failed", None)


def test_end_of_the_copies_makes_the_inventory_of_the_destination_due(practice, oskar):
    replication = a_running_one(practice, oskar)

    follow(practice, replication)

    due = CloudReading.objects.filter(refresh_after__lte=practice.now() + timedelta(minutes=1))
    assert [reading.cloud for reading in due] == ["sandbox-recovery"]


def test_end_and_arrival_seen_in_one_look_are_told_one_after_the_other(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.advance(hours=10)

    progress.check_due(practice.now(), practice.now)

    told = replication.audit_entries.filter(action__in=["replication.finished", "replication.arrived"])
    assert list(told.order_by("id").values_list("action", "from_status", "to_status")) == [
        ("replication.finished", "running", "succeeded"),
        ("replication.arrived", "succeeded", "succeeded"),
    ]


def test_source_that_cannot_be_read_changes_nothing_and_is_asked_again(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.fault("answer", operation="operation_logs.list", status=500, count=10)
    practice.advance(minutes=1)

    looked = progress.check_due(practice.now(), practice.now)

    assert (looked, statuses(replication)) == (1, {("waiting", "")})
    practice.control("DELETE", "faults")
    follow(practice, replication)
    assert replication.status == "succeeded"


def test_destination_that_cannot_be_read_delays_only_the_arrival(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.fault("answer", operation="backups.list", status=500, count=1000)

    follow(practice, replication, looks=30)
    without = replication.status, replication.records.exclude(arrived_at=None).count(), replication.may_change
    practice.control("DELETE", "faults")
    follow(practice, replication)

    assert without == ("succeeded", 0, True)
    assert replication.records.filter(arrived_at=None).count() == 0
    assert AuditEntry.objects.filter(action="replication.arrived").count() == 1


def test_end_and_arrival_seen_in_one_look_are_told_as_two_steps(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.advance(hours=1)

    progress.check_due(practice.now(), practice.now)

    assert [
        (entry.action, entry.from_status, entry.to_status)
        for entry in AuditEntry.objects.filter(replication=replication).order_by("id")[3:]
    ] == [
        ("replication.finished", "running", "succeeded"),
        ("replication.arrived", "succeeded", "succeeded"),
    ]


def test_arrival_is_waited_for_until_the_window_is_over(practice, oskar, settings):
    settings.REPLICATION_ARRIVAL_WINDOW = timedelta(hours=2)
    replication = a_running_one(practice, oskar)
    practice.fault("answer", operation="backups.list", status=500, count=1000)

    follow(practice, replication, looks=60)

    assert (replication.status, replication.check_after) == ("succeeded", None)
    assert not AuditEntry.objects.filter(action="replication.arrived").exists()


def test_arrival_where_nobody_may_look_is_not_waited_for(practice, oskar):
    replication = a_running_one(practice, oskar)
    Project.objects.filter(name="eu-nl_recovery").update(cloud="")

    follow(practice, replication)

    assert (replication.status, replication.check_after) == ("succeeded", None)
    assert replication.records.exclude(arrived_at=None).count() == 0


def calls(caplog, region):
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "replication.cloud" and f"/{region}/" in record.getMessage()
    ]


def test_two_replications_of_one_vault_cost_one_list_call_together(practice, oskar, caplog):
    first = a_running_one(practice, oskar)
    second = a_replication(
        source=first.source_vault,
        destination=first.destination,
        destination_region="eu-ch2",
        actor=oskar,
        status="running",
        requested_at=practice.now(),
        submitted_at=practice.now(),
        check_after=practice.now(),
    )
    a_record(replication=second)
    practice.advance(seconds=20)
    caplog.clear()

    looked = progress.check_due(practice.now(), practice.now)

    assert (looked, len(calls(caplog, "eu-de"))) == (2, 1)


def test_looks_become_rarer_while_nothing_moves_but_never_rarer_than_ten_minutes(practice, oskar, settings):
    settings.REPLICATION_PROGRESS_INTERVAL = timedelta(seconds=15)
    replication = a_running_one(practice, oskar)
    Replication.objects.filter(pk=replication.pk).update(check_after=practice.now())
    practice.fault("answer", operation="*", status=500, count=100)

    pauses = []
    for quiet in (timedelta(0), timedelta(minutes=6), timedelta(hours=1), timedelta(days=1)):
        later = replication.changed_at + quiet
        Replication.objects.filter(pk=replication.pk).update(check_after=later)
        progress.check_due(later, lambda later=later: later)
        pauses.append(Replication.objects.get(pk=replication.pk).check_after - later)

    assert pauses == [
        timedelta(seconds=15),
        timedelta(seconds=45),
        timedelta(minutes=7, seconds=30),
        timedelta(minutes=10),
    ]


def test_look_that_another_worker_has_taken_is_left_to_it(practice, oskar):
    replication = a_running_one(practice, oskar)
    now = practice.now() + timedelta(minutes=1)

    looks = [progress.check_due(now, practice.now) for _worker in range(2)]

    assert (looks, replication.records.exclude(evidence="").count() > 0) == ([1, 0], True)


def test_older_look_that_ends_late_is_not_put_over_a_newer_one(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.advance(seconds=2)
    overtaken = []

    def be_overtaken():
        # The older look has read the source; before it writes, another worker sees the end and stores it.
        if not overtaken:
            overtaken.append(replication)
            practice.advance(minutes=30)
            progress.check_due(practice.now(), practice.now)
        return practice.now()

    progress.check_due(practice.now(), be_overtaken)

    replication.refresh_from_db()
    assert (replication.status, statuses(replication)) == ("succeeded", {("succeeded", "operation_log")})


def test_stalled_is_shown_after_half_an_hour_without_news(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.fault("answer", operation="*", status=500, count=1000)

    follow(practice, replication, looks=5)
    early = replication.is_stalled(practice.now())
    follow(practice, replication, looks=2)

    assert (early, replication.is_stalled(practice.now()), replication.status) == (False, True, "running")


def test_page_learns_of_every_look_and_of_news_apart(practice, oskar):
    replication = a_running_one(practice, oskar)
    practice.advance(seconds=1)
    progress.check_due(practice.now(), practice.now)
    before = Replication.objects.get(pk=replication.pk)
    practice.fault("answer", operation="*", status=500, count=100)
    practice.advance(minutes=1)

    progress.check_due(practice.now(), practice.now)

    after = Replication.objects.get(pk=replication.pk)
    assert (after.version, after.changed_at) == (before.version, before.changed_at)
    assert before.version > replication.version


def test_destination_without_credentials_is_not_read(practice, oskar):
    replication = a_running_one(practice, oskar)
    Project.objects.filter(name="eu-nl_recovery").update(cloud="")

    assert (progress.destination_cloud(replication), progress.read_destination(replication)) == ("", None)


def test_vault_whose_records_cannot_be_stored_keeps_no_other_waiting(practice, oskar):
    first = a_running_one(practice, oskar)
    second = a_running_one(practice, oskar, source="vault-logging")
    practice.advance(seconds=20)
    calls_of_the_clock = []

    def lose_a_log_to_somebody_else():
        # Between our look and our writing, one of the logs that we found gets another owner.
        calls_of_the_clock.append(practice.now())
        if len(calls_of_the_clock) == 2:
            reading = evidence.read_source(
                connection.cbr("sandbox-production"),
                "sandbox-production",
                first.vault_id,
                since=first.submitted_at,
            )
            a_record(replication=second, operation_log_id=reading.keys()[0])
        return practice.now()

    progress.check_due(practice.now(), lose_a_log_to_somebody_else)

    assert statuses(first) == {("waiting", "")}
    assert statuses(second) > {("waiting", "")}
