"""The mirror: what is read, what is marked when it vanishes, and what a failed reading leaves alone."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from replication.models import AuditEntry, Backup, CloudReading, Project, Region, Vault
from replication.roles import NotPermitted, Right
from replication.services import inventory
from tests.builders import NOW, a_project, a_region, a_vault

PRODUCTION = "sandbox-production"


def read(practice, cloud=PRODUCTION):
    inventory.refresh(cloud, practice.now)
    return CloudReading.objects.get(cloud=cloud)


def vault_id(name):
    return Vault.objects.get(name=name).vault_id


def test_regions_say_where_they_replicate_to(practice):
    found = {region.name: region.replication_destinations for region in Region.objects.present()}

    assert found == {"eu-de": ["eu-nl"], "eu-nl": ["eu-de"]}


def test_projects_are_those_of_the_account_and_each_entry_is_tied_to_its_own(practice):
    found = {(project.region.name, project.name): project.cloud for project in Project.objects.present()}

    assert found == {
        ("eu-de", "eu-de_production"): "sandbox-production",
        ("eu-de", "eu-de_internal"): "sandbox-internal",
        ("eu-nl", "eu-nl_recovery"): "sandbox-recovery",
        ("eu-nl", "eu-nl_archive"): "sandbox-archive",
    }


def test_a_vault_is_copied_with_all_that_pages_show_of_it(practice):
    vault = Vault.objects.get(name="vault-orders-db")

    assert {
        "project": vault.project.name,
        "protect_type": vault.protect_type,
        "object_type": vault.object_type,
        "status": vault.status,
        "auto_expand": vault.auto_expand,
        "resources": vault.resource_count,
        "provider_id": vault.provider_id,
        "vanished_at": vault.vanished_at,
    } == {
        "project": "eu-de_production",
        "protect_type": "backup",
        "object_type": "server",
        "status": "available",
        "auto_expand": False,
        "resources": 2,
        "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
        "vanished_at": None,
    }
    assert vault.size_gb > 0
    assert 0 < vault.used_mb < vault.size_gb * 1024


def test_every_vault_and_backup_of_the_cloud_is_there_once(practice):
    world = practice.control("GET", "world")["vaults"]

    assert {vault.name: vault.vault_id for vault in Vault.objects.all()} == {
        name: vault["id"] for name, vault in world.items()
    }
    assert Vault.objects.get(name="vault-data-warehouse").backups.present().count() == 400
    assert Vault.objects.get(name="vault-intranet").backups.count() == 0
    assert Backup.objects.count() == len(set(Backup.objects.values_list("backup_id", flat=True)))


def test_cloud_without_records_leaves_open_what_was_replicated(practice):
    assert set(Backup.objects.values_list("replicated_to", flat=True)) == {None}
    assert set(CloudReading.objects.values_list("answers_records", flat=True)) == {False}


def test_cloud_with_records_tells_what_was_replicated_and_where(telling_practice):
    erp = Vault.objects.get(name="vault-erp").backups.all()

    assert sorted(backup.replicated_to for backup in erp) == [[]] * 4 + [["eu-nl"]] * 6
    assert CloudReading.objects.get(cloud=PRODUCTION).answers_records


@pytest.mark.parametrize(("word", "regions"), [("fail", []), ("skip", []), ("replicating", ["eu-nl"])])
def test_record_counts_as_replicated_unless_the_cloud_gave_it_up(telling_practice, word, regions):
    telling_practice.fault(
        "changed_field",
        operation="backups.list",
        field="backups.replication_records.status",
        value=word,
        count=20,
    )

    read(telling_practice)

    erp = Vault.objects.get(name="vault-erp").backups.all()
    assert sorted(backup.replicated_to for backup in erp) == sorted([[]] * 4 + [regions] * 6)


def test_second_reading_of_an_unchanged_cloud_changes_nothing_but_the_time(practice):
    ours = Vault.objects.filter(project__cloud=PRODUCTION)
    before = list(ours.order_by("pk").values())
    practice.advance(minutes=1)

    read(practice)

    after = list(ours.order_by("pk").values())
    assert [{**row, "seen_at": None} for row in after] == [{**row, "seen_at": None} for row in before]
    assert all(new["seen_at"] > old["seen_at"] for new, old in zip(after, before, strict=True))


def test_unchanged_cloud_costs_few_statements_however_many_backups(practice):
    with CaptureQueriesContext(
        database,
    ) as spent:
        read(practice)

    # Some sixty for the mirror and for what policies and coverage follow from it, whatever there is to read.
    assert len(spent) < 75


def test_vanished_vault_is_marked_with_its_backups_and_kept(practice):
    gone = Vault.objects.get(name="vault-erp")
    practice.control("DELETE", f"vaults/{gone.vault_id}")

    read(practice)

    gone.refresh_from_db()
    assert gone.vanished_at == CloudReading.objects.get(cloud=PRODUCTION).read_at
    assert gone.backups.count() == 10
    assert gone.backups.present().count() == 0
    assert Vault.objects.present().filter(project__cloud=PRODUCTION).count() == 6


def test_mark_tells_when_it_was_first_missed(practice):
    gone = Vault.objects.get(name="vault-erp")
    practice.control("DELETE", f"vaults/{gone.vault_id}")
    first = read(practice).read_at
    practice.advance(minutes=10)

    read(practice)

    gone.refresh_from_db()
    assert (gone.vanished_at, gone.seen_at < first) == (first, True)


def test_backup_that_vanished_is_marked_and_the_others_are_not(practice):
    vault = Vault.objects.get(name="vault-orders-db")
    gone = vault.backups.order_by("created_at").first()
    before = vault.backups.count()
    practice.control("DELETE", f"backups/{gone.backup_id}")

    read(practice)

    assert list(vault.backups.exclude(vanished_at=None)) == [gone]
    assert vault.backups.count() == before


def test_what_comes_back_is_the_same_row_and_marked_no_more(practice):
    practice.fault("changed_field", operation="vaults.list", field="vaults", value=[])
    read(practice)
    hidden = Vault.objects.get(name="vault-erp")

    read(practice)

    found = Vault.objects.get(name="vault-erp")
    assert (hidden.vanished_at is None, found.vanished_at, found.pk) == (False, None, hidden.pk)


def test_new_backup_and_changed_vault_are_taken_over(practice):
    vault = Vault.objects.get(name="vault-orders-db")
    before = vault.backups.count()
    practice.control("POST", "backups", {"vault_id": vault.vault_id, "name": "manualbk_before_upgrade"})
    practice.control("POST", f"vaults/{vault.vault_id}", {"name": "vault-orders", "status": "lock"})

    read(practice)

    vault.refresh_from_db()
    assert (vault.name, vault.status, vault.backups.count()) == ("vault-orders", "lock", before + 1)


@pytest.mark.parametrize(
    ("operation", "fault", "parameters"),
    [
        ("vaults.list", "answer", {"status": 500}),
        ("vaults.list", "bad_json", {}),
        ("backups.list", "missing_field", {"field": "backups.status"}),
        ("backups.list", "truncate", {}),
        ("replication_capabilities.get", "answer", {"status": 403, "shape": "gateway", "code": "APIGW.0302"}),
        ("auth.projects", "answer", {"status": 503, "shape": "html"}),
    ],
)
def test_reading_that_broke_off_changes_nothing_and_tells_the_error(practice, operation, fault, parameters):
    before = list(Vault.objects.order_by("pk").values()), list(Backup.objects.order_by("pk").values())
    read_at = CloudReading.objects.get(cloud=PRODUCTION).read_at
    practice.control("DELETE", f"vaults/{vault_id('vault-erp')}")
    practice.fault(fault, operation=operation, count=5, **parameters)

    reading = read(practice)

    after = list(Vault.objects.order_by("pk").values()), list(Backup.objects.order_by("pk").values())
    assert after == before
    assert reading.read_at == read_at
    assert reading.error


def test_failed_reading_is_tried_again_soon_and_a_good_one_clears_the_error(practice):
    practice.fault("answer", operation="vaults.list", status=500, count=5)

    failed = read(practice)
    practice.control("DELETE", "faults")
    good = read(practice)

    assert timedelta(seconds=50) < failed.refresh_after - practice.now() <= timedelta(seconds=60)
    assert (good.error, good.refresh_after - good.read_at) == ("", timedelta(days=300))


def test_text_longer_than_our_columns_is_cut_and_hides_nothing(practice):
    practice.fault("changed_field", operation="vaults.list", field="vaults.name", value="v" * 3000)
    practice.fault(
        "changed_field", operation="backups.list", field="backups.status", value="s" * 3000, count=9
    )

    reading = read(practice)

    ours = Vault.objects.filter(project__cloud=PRODUCTION)
    assert (reading.error, {len(vault.name) for vault in ours}) == ("", {255})
    assert {len(one.status) for one in Backup.objects.filter(vault__project__cloud=PRODUCTION)} == {64}


@pytest.mark.skipif(database.vendor == "sqlite", reason="SQLite stores texts of any length")
def test_answer_that_cannot_be_stored_is_told_as_an_error(practice):
    endless = [{"name": "eu-de", "replication_destinations": ["r" * 300]}]
    practice.fault("changed_field", operation="replication_capabilities.get", field="regions", value=endless)

    reading = read(practice)

    assert reading.error.startswith("What the cloud answered cannot be stored")
    assert not Region.objects.filter(name__startswith="rrr").exists()


def test_list_that_shifts_while_it_is_read_leaves_nothing_marked_as_vanished(practice):
    practice.fault("shifting_pages", operation="backups.list", count=3)

    reading = read(practice)

    assert (reading.error, Vault.objects.exclude(vanished_at=None).count()) == ("", 0)
    assert Backup.objects.exclude(vanished_at=None).count() == 0


def test_project_that_no_entry_shows_any_more_is_marked_and_comes_back(practice):
    project = a_project("eu-de_closed", cloud="", seen_at=NOW - timedelta(days=900))

    read(practice)
    marked = list(Project.objects.exclude(vanished_at=None))
    shown = [{"id": project.project_id, "name": project.name, "enabled": True}]
    practice.fault("changed_field", operation="auth.projects", field="projects", value=shown)
    read(practice)

    assert marked == [project]
    assert list(Project.objects.exclude(vanished_at=None)) == []


def test_project_that_is_switched_off_is_not_taken_for_one_to_choose(practice):
    hidden = {"id": "f" * 32, "name": "eu-de_closed", "enabled": False}
    practice.fault("changed_field", operation="auth.projects", field="projects", value=[hidden])

    read(practice)

    assert not Project.objects.filter(name="eu-de_closed").exists()


def test_project_is_not_marked_while_an_entry_was_never_read(practice):
    a_project("eu-de_forgotten", cloud="", seen_at=NOW - timedelta(days=900))
    CloudReading.objects.filter(cloud="sandbox-archive").update(read_at=None)

    read(practice)

    assert list(Project.objects.exclude(vanished_at=None)) == []


def test_region_that_nobody_names_any_more_is_marked(practice):
    a_region("eu-ch2").save()
    Region.objects.filter(name="eu-ch2").update(seen_at=NOW - timedelta(days=900))

    read(practice)

    assert list(Region.objects.exclude(vanished_at=None).values_list("name", flat=True)) == ["eu-ch2"]


def test_entries_follow_the_settings_and_a_removed_one_keeps_its_vaults(practice, settings):
    settings.REPLICATION_CLOUDS = ["sandbox-production", "new-entry"]

    inventory.know_entries(NOW)

    assert dict(CloudReading.objects.values_list("cloud", "refresh_after")) == {
        "sandbox-production": CloudReading.objects.get(cloud="sandbox-production").refresh_after,
        "new-entry": NOW,
    }
    removed = Project.objects.get(name="eu-nl_recovery")
    assert (removed.cloud, removed.vaults.present().count()) == ("", 3)


def test_reading_of_an_entry_that_was_removed_meanwhile_stores_nothing(practice):
    CloudReading.objects.filter(cloud=PRODUCTION).delete()

    inventory.refresh(PRODUCTION, practice.now)

    assert not CloudReading.objects.filter(cloud=PRODUCTION).exists()


def refresh_due(practice, **options):
    return inventory.refresh_due(practice.now(), practice.now, **options)


def test_timer_reads_what_is_due_and_nothing_before(practice, settings):
    settings.REPLICATION_INVENTORY_INTERVAL = timedelta(minutes=10)
    practice.read_inventory()

    early = refresh_due(practice)
    practice.advance(minutes=11)
    due = refresh_due(practice)

    assert (early, due) == (0, 4)


def test_a_sign_of_life_is_given_after_each_entry(practice):
    inventory.make_all_due(practice.now())
    beats = []

    refresh_due(practice, beat=lambda: beats.append("beat"))

    assert beats == ["beat"] * 4


def test_entry_is_due_at_once_when_something_happens_there_but_not_more_than_once_a_minute(practice):
    read_at = CloudReading.objects.get(cloud=PRODUCTION).read_at

    inventory.make_due(PRODUCTION, read_at + timedelta(seconds=10))
    soon = CloudReading.objects.get(cloud=PRODUCTION).refresh_after
    inventory.make_due(PRODUCTION, read_at + timedelta(seconds=20))
    again = CloudReading.objects.get(cloud=PRODUCTION).refresh_after
    CloudReading.objects.update(refresh_after=read_at + timedelta(hours=1))
    inventory.make_due(PRODUCTION, read_at + timedelta(minutes=5))
    later = CloudReading.objects.get(cloud=PRODUCTION).refresh_after
    CloudReading.objects.update(read_at=None, refresh_after=read_at + timedelta(hours=1))
    inventory.make_due(PRODUCTION, read_at)

    assert [soon - read_at, again - read_at, later - read_at] == [
        timedelta(minutes=1),
        timedelta(minutes=1),
        timedelta(minutes=5),
    ]
    assert CloudReading.objects.get(cloud=PRODUCTION).refresh_after == read_at


def test_entry_that_somebody_reads_is_left_alone(practice):
    practice.make_due(PRODUCTION)
    # While the first reader reads, a second one looks for work.
    second = []

    def look_meanwhile():
        if not second:
            second.append(inventory.refresh_due(practice.now(), practice.now))
        return practice.now()

    first = inventory.refresh_due(practice.now(), look_meanwhile)

    assert (first, second) == (1, [0])


def test_reader_that_died_is_followed_by_another_after_its_claim(practice):
    class Died(Exception):
        pass

    def die():
        raise Died

    practice.make_due(PRODUCTION)
    with pytest.raises(Died):
        inventory.refresh_due(practice.now(), die)

    at_once = refresh_due(practice)
    practice.advance(minutes=11)
    later = refresh_due(practice)

    assert (at_once, later) == (0, 1)


def test_request_made_while_it_is_read_is_not_lost(practice, adam):
    practice.make_due(PRODUCTION)
    asked = []

    def ask_meanwhile():
        if not asked:
            asked.append(practice.make_due(PRODUCTION))
        return practice.now()

    inventory.refresh_due(practice.now(), ask_meanwhile)

    assert refresh_due(practice) == 1


def test_reading_that_was_overtaken_by_a_newer_one_is_dropped(practice):
    gone = Vault.objects.get(name="vault-erp")
    overtaken = []

    def be_overtaken():
        # Between our reading and our writing, somebody else claims, reads and stores what is newer.
        if not overtaken:
            overtaken.append(gone)
            practice.control("DELETE", f"vaults/{gone.vault_id}")
            practice.make_due(PRODUCTION)
            inventory.refresh_due(practice.now(), practice.now)
        return practice.now()

    inventory.refresh(PRODUCTION, be_overtaken)

    gone.refresh_from_db()
    assert gone.vanished_at is not None


@pytest.mark.parametrize("who", ["oskar", "adam"])
def test_asking_for_a_reading_makes_every_entry_due_and_is_audited(practice, who, request):
    actor = request.getfixturevalue(who)

    inventory.request_refresh(actor=actor, now=practice.now(), request_id="web-7")

    assert refresh_due(practice) == 4
    assert list(AuditEntry.objects.values_list("action", "actor_name", "request_id")) == [
        ("inventory.refresh_requested", who, "web-7")
    ]


@pytest.mark.parametrize("who", ["vera", "anna"])
def test_others_may_not_ask_for_a_reading(who, request, db):
    reading = a_vault().project.readings.get()

    with pytest.raises(NotPermitted) as refused:
        inventory.request_refresh(actor=request.getfixturevalue(who), now=NOW)

    reading.refresh_from_db()
    assert (refused.value.right, reading.refresh_after > NOW) == (Right.REFRESH_INVENTORY, True)
    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_many_readers_at_once_of_an_empty_mirror_store_everything_once(practice):
    expected = Vault.objects.count(), Backup.objects.count()
    Backup.objects.all().delete()
    Vault.objects.all().delete()
    entries = list(CloudReading.objects.values_list("cloud", flat=True))
    barrier = threading.Barrier(8)
    failures = []

    def read_at_once(cloud):
        try:
            barrier.wait()
            inventory.refresh(cloud, practice.now)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test tells it
            failures.append(error)
        finally:
            database.close()

    readers = [threading.Thread(target=read_at_once, args=[cloud]) for cloud in entries * 2]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert (failures, set(CloudReading.objects.values_list("error", flat=True))) == ([], {""})
    assert (Vault.objects.count(), Backup.objects.count()) == expected
