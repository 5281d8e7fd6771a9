"""From a click to the comparison: what arrived, what expired, what is kept for good, against both profiles of the cloud."""

import pytest
from django.urls import reverse

from replication.models import Backup, CloudReading, OperationLog, ReplicaOrigin, Vault, VaultDay
from replication.services import capacity, comparison, connection, inventory, sweeping
from tests.journeys.test_faults import to_rest
from tests.journeys.wishes import ask
from tests.practice import practising
from tests.views.site import text_of

#: How a replica's source is known on each profile, when we have seen it arrive.
KNOWN = {"huawei": "told", "otc": "seen"}


def read_again(practice):
    for name in connection.cloud_names():
        assert inventory.refresh(name, practice.now)


def sweep(practice):
    for name in connection.cloud_names():
        assert sweeping.sweep(name, practice.now) is not None


def compare(practice, source, destination):
    vaults = Vault.objects.select_related("project__region")
    return comparison.compare(vaults.get(name=source), vaults.get(name=destination), practice.now())


def facts(pairs):
    return sorted((pair.match.value, pair.keeping.value) for pair in pairs)


def test_replicated_vault_has_everything_in_both_and_kept_for_good(practice, oskar):
    before = compare(practice, "vault-orders-db", "replica-production")
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()
    to_rest(practice, replication)
    read_again(practice)

    after = compare(practice, "vault-orders-db", "replica-production")

    replicated = set(replication.records.values_list("backup_id", flat=True))
    assert replicated == {pair.source.backup_id for pair in before.only_here} - {
        pair.source.backup_id for pair in after.only_here
    }
    assert {pair.source.backup_id for pair in after.both} == replicated
    assert {pair.match.value for pair in after.both} <= {KNOWN[practice.profile], "guess", "alike"}
    assert {pair.keeping.value for pair in after.kept} == {"manual"}
    assert (len(after.kept), after.doubtful) == (len(replicated), ())
    if practice.profile == "huawei":
        pairs = {pair.source.backup_id: pair.replica.backup_id for pair in after.both}
        assert pairs == dict(replication.records.values_list("backup_id", "destination_backup_id"))


def test_replica_outlives_its_source_and_says_so(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()
    to_rest(practice, replication)
    read_again(practice)
    known = compare(practice, "vault-orders-db", "replica-production")
    expired = known.both[0]

    practice.control("DELETE", f"backups/{expired.source.backup_id}")
    practice.advance(minutes=11)
    read_again(practice)

    found = compare(practice, "vault-orders-db", "replica-production")
    assert [(pair.source.backup_id, pair.replica.backup_id) for pair in found.only_there] == [
        (expired.source.backup_id, expired.replica.backup_id)
    ]
    assert found.only_there[0].source.vanished_at is not None
    assert len(found.both) == len(known.both) - 1
    assert expired.replica.backup_id in {pair.replica.backup_id for pair in found.kept}


def test_what_a_policy_of_the_cloud_replicated_is_not_called_kept(practice):
    sweep(practice)

    found = compare(practice, "vault-erp", "replica-production")

    assert (len(found.both), len(found.only_here)) == (6, 4)
    assert {pair.keeping.value for pair in found.both} == {"policy"}
    assert {pair.match.value for pair in found.both} == {"told" if practice.profile == "huawei" else "guess"}
    assert (found.kept, found.doubtful) == ((), ())


def test_before_anybody_has_read_a_log_or_a_record_it_is_not_known_who_started_it(practice):
    ReplicaOrigin.objects.all().delete()

    found = compare(practice, "vault-erp", "replica-production")

    assert {pair.keeping.value for pair in found.both} == {"unknown"}
    assert len(found.doubtful) == 6


def test_outage_of_the_destination_never_reads_as_nothing_missing(practice, vera, client):
    source = Vault.objects.get(name="vault-erp")
    destination = Vault.objects.get(name="replica-production")
    practice.fault("answer", operation="vaults.list", status=500, count=20)
    assert not inventory.refresh("sandbox-recovery", practice.now)
    client.force_login(vera)

    text = text_of(client.get(reverse("vault-diff", args=[source.pk]), {"to": destination.pk}))

    assert "nothing can be called missing or complete" in text
    assert "none when last read" in text
    assert "none there" not in text


def logs_of(vault):
    return OperationLog.objects.filter(vault_id=Vault.objects.get(name=vault).vault_id)


def test_sweep_keeps_the_operation_logs_of_every_kind(practice):
    sweep(practice)

    logs = logs_of("vault-erp")
    assert set(logs.values_list("operation_type", flat=True)) == {"backup", "replication"}
    assert logs.replications().count() == 6
    assert set(logs.replications().values_list("status", flat=True)) == {"success"}
    assert "" not in set(logs.replications().values_list("policy_id", flat=True))
    told = set(logs.replications().values_list("destination_region", flat=True))
    assert told == ({"eu-nl"} if practice.profile == "huawei" else {""})


def test_second_sweep_adds_and_changes_nothing(practice):
    sweep(practice)
    before = sorted(OperationLog.objects.values_list())

    practice.advance(minutes=1)
    sweep(practice)

    assert sorted(OperationLog.objects.values_list()) == before


def test_following_keeps_the_log_where_it_reads_it_anyway(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    practice.round()
    to_rest(practice, replication)

    kept = logs_of("vault-orders-db").replications()

    # Where backups tell their records, nobody reads the log before the next sweep.
    expected = replication.records.count() if practice.profile == "otc" else 0
    assert kept.filter(status="success").count() == expected
    sweep(practice)
    assert kept.filter(status="success").count() == replication.records.count()


def test_log_that_cannot_be_read_makes_no_sweep_incomplete_where_records_answer(db, settings):
    with practising("huawei", settings) as practice:
        practice.fault("answer", operation="operation_logs.list", status=500, count=100)

        sweep(practice)

        assert OperationLog.objects.count() == 0
        assert set(CloudReading.objects.values_list("sweep_error", flat=True)) == {""}


@pytest.mark.parametrize("profile", ["otc", "huawei"])
def test_logs_stay_here_when_the_cloud_has_forgotten_them(db, settings, profile):
    with practising(profile, settings, old_logs="gone") as practice:
        sweep(practice)
        kept = set(OperationLog.objects.values_list("operation_log_id", flat=True))

        practice.advance(days=60)
        connection.forget()
        [client] = [connection.cbr("sandbox-production")]
        listed = client.list_operation_logs()
        sweep(practice)

        assert (len(kept) > 0, listed) == (True, ())
        assert set(OperationLog.objects.values_list("operation_log_id", flat=True)) == kept


def test_room_is_written_down_day_by_day_and_a_forecast_made_of_it(practice, oskar, client, vera):
    name = "replica-production"
    source = Vault.objects.get(name="vault-orders-db")
    grown = []
    for _day in range(8):
        practice.control("POST", "backups", {"vault_id": source.vault_id, "stored_mb": 20 * 1024})
        read_again(practice)
        replication = ask(practice, oskar, source="vault-orders-db", destination=name)
        practice.round()
        to_rest(practice, replication)
        read_again(practice)
        grown.append(Vault.objects.get(name=name).used_mb)
        practice.advance(days=1)
    practice.advance(days=-1)

    days = list(VaultDay.objects.filter(vault__name=name).order_by("day"))

    # What came first was everything that lay there already; from then on 20 GB a day.
    assert [day.used_mb for day in days] == grown
    found = capacity.forecast(Vault.objects.get(name=name), days, practice.now())
    assert (found.days, found.growth_mb) == (8, 20 * 1024)
    assert found.outlook.value == "fills"
    assert Backup.objects.filter(vault__name=name).count() > 8
