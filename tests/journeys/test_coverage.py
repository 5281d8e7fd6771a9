"""Where we stand, told from the cloud to the page: arriving, growing old, and being out of sight."""

from datetime import timedelta

import pytest
from django.urls import reverse

from replication.models import Backup, CloudReading, Coverage, ProtectedServer, ReplicationRecord, Vault
from replication.services import activity, inventory, targets
from replication.services import coverage as standing
from replication.services.coverage import Sight, Verdict
from replication.services.statistics import inventory_health
from tests.journeys.test_sweep import start_elsewhere, sweep
from tests.journeys.wishes import ask
from tests.views.site import text_of

SOURCE, DESTINATION = "vault-orders-db", "replica-production"


@pytest.fixture
def target(practice, oskar):
    """Restore points of the vault may be three days old; the seed's newest backups are one to two days old."""
    vault = Vault.objects.get(name=SOURCE)
    return targets.set_target(actor=oskar, scope=targets.Scope(vault=vault), hours=72, now=practice.now())


def cells(practice, vault=SOURCE):
    """What stands at each server of the vault in the other region."""
    now = practice.now()
    sight = Sight.of(inventory_health(now).readings, now)
    servers = dict(ProtectedServer.objects.filter(vault__name=vault).values_list("pk", "name"))
    found = standing.cells_of_servers(sight, now, servers)
    return {servers[pk]: by_region["eu-nl"] for pk, by_region in found.items()}


def verdicts(practice, vault=SOURCE):
    return {cell.verdict for cell in cells(practice, vault).values()}


def let_arrive(practice):
    for _step in range(120):
        practice.round()
        practice.advance(minutes=5)
        if not ReplicationRecord.objects.filter(arrived_at=None).exists():
            return
    raise AssertionError("It has not arrived.")


def newest_backups():
    return {
        name: Backup.objects.filter(resource_name=name, vault__name=SOURCE).latest("created_at").created_at
        for name in ("pg-orders-01", "pg-orders-02")
    }


def test_cell_turns_from_never_to_met_and_with_time_to_behind(practice, oskar, target):
    before = verdicts(practice)
    ask(practice, oskar, source=SOURCE, destination=DESTINATION)

    let_arrive(practice)
    seen_arriving = cells(practice)
    practice.read_inventory()
    read_again = cells(practice)
    practice.advance(days=3)
    old = verdicts(practice)

    assert before == {Verdict.NEVER}
    assert {cell.verdict for cell in seen_arriving.values()} == {Verdict.MET}
    assert {name: cell.taken_at for name, cell in seen_arriving.items()} == newest_backups()
    assert read_again == seen_arriving
    assert old == {Verdict.BEHIND}


def test_destination_that_cannot_be_read_is_not_known_until_it_can_be_read_again(practice, oskar, target):
    ask(practice, oskar, source=SOURCE, destination=DESTINATION)
    let_arrive(practice)
    practice.read_inventory()

    practice.fault("answer", operation="vaults.list", status=503, count=50)
    CloudReading.objects.filter(cloud="sandbox-recovery").update(refresh_after=practice.now())
    inventory.refresh_due(practice.now(), practice.now)
    blind = verdicts(practice)
    practice.control("DELETE", "faults")
    practice.read_inventory()

    assert (blind, verdicts(practice)) == ({Verdict.UNKNOWN}, {Verdict.MET})


def test_replication_started_elsewhere_is_covered_by_reading_its_destination_alone(practice, target):
    start_elsewhere(SOURCE, DESTINATION)
    practice.advance(hours=10)

    practice.read_inventory()

    assert ReplicationRecord.objects.count() == 0
    assert {name: cell.taken_at for name, cell in cells(practice).items()} == newest_backups()
    assert verdicts(practice) == {Verdict.MET}
    for cell in cells(practice).values():
        assert cell.taken_at < cell.arrived_at < practice.now()


def test_replication_started_elsewhere_is_in_the_strip_and_marked_among_the_arrivals(
    practice, client, vera, target
):
    start_elsewhere(SOURCE, DESTINATION)
    sweep(practice)
    for _step in range(60):
        practice.advance(minutes=10)
        practice.round()
    arrived = ReplicationRecord.objects.filter(arrived_at__isnull=False, replication__origin="foreign")

    days = activity.last_days(practice.now())
    client.force_login(vera)
    page = text_of(client.get(reverse("overview")))

    assert sum(day.elsewhere for day in days) == sum(day.arrived for day in days) == arrived.count()
    if practice.profile == "huawei":
        assert arrived.count() >= 14
        assert "· started elsewhere eu-nl eu-nl_recovery / replica-production" in page


def test_servers_are_those_that_vaults_list_and_those_that_they_hold_backups_of(practice):
    listed = set(ProtectedServer.objects.filter(is_associated=True).values_list("vault__name", "name"))

    assert {("vault-orders-db", "pg-orders-01"), ("vault-intranet", "intranet-04")} <= listed
    # Disks and file systems cannot be replicated.
    assert not {vault for vault, _name in listed} & {"vault-build-disks", "vault-media-share"}
    assert Coverage.objects.filter(server__name="intranet-04").count() == 1


def test_tags_of_the_cloud_decide_which_target_counts(practice, oskar):
    project = Vault.objects.get(name="vault-web-shop").project
    for scope, hours in [
        (targets.Scope(project=project), 100),
        (targets.Scope(tag_key="team", tag_value="shop"), 50),
        (targets.Scope(tag_key="tier"), 20),
        (targets.Scope(vault=Vault.objects.get(name="vault-payments")), 200),
    ]:
        targets.set_target(actor=oskar, scope=scope, hours=hours, now=practice.now())

    found = {
        vault: {cell.target_hours for cell in cells(practice, vault).values()}
        for vault in ("vault-web-shop", "vault-payments", "vault-erp", "vault-mail")
    }

    assert found == {
        "vault-web-shop": {20},
        "vault-payments": {200},
        "vault-erp": {100},
        "vault-mail": {None},
    }


def test_vault_says_which_tags_it_has(practice, client, vera):
    client.force_login(vera)

    page = text_of(client.get(reverse("vault-detail", args=[Vault.objects.get(name="vault-web-shop").pk])))

    assert "Tags team=shop , tier=front" in page


def test_backup_made_after_the_replication_is_missing_and_the_others_are_not(practice, oskar, target):
    ask(practice, oskar, source=SOURCE, destination=DESTINATION)
    let_arrive(practice)
    practice.read_inventory()
    vault = Vault.objects.get(name=SOURCE)
    none_missing = list(standing.missing(vault=vault, region="eu-nl"))

    replica = Backup.objects.filter(vault__name=DESTINATION, resource_name="pg-orders-01").latest("taken_at")
    Backup.objects.filter(pk=replica.pk).update(vanished_at=practice.now())

    assert none_missing == []
    assert [one.backup_id for one in standing.missing(vault=vault, region="eu-nl")] == [
        replica.source_backup_id
    ]
    assert replica.taken_at + timedelta(0) == newest_backups()["pg-orders-01"]
