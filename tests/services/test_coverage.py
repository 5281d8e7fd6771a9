"""What is said of a server in a region, for every way in which a restore point can be there or not."""

from datetime import timedelta

import pytest

from replication.models import Backup, CloudReading, Coverage
from replication.services import coverage, restore_points, statistics
from replication.services.coverage import RegionStanding, Sight, Standing, Verdict, Wanted
from tests.builders import (
    NOW,
    a_backup,
    a_project,
    a_protected_server,
    a_record,
    a_region,
    a_replication,
    a_replication_vault,
    a_target,
    a_vault,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def source():
    a_region("eu-nl", replicates_to=("eu-de",))
    return a_vault()


@pytest.fixture
def destination(source):
    return a_replication_vault()


def sight(now=NOW):
    return Sight.of(statistics.inventory_health(now).readings, now)


def renew():
    restore_points.renew()


def a_server_with(source, destination, *, hours_old=None, name="pg-orders-01", **replica):
    """A server whose one backup, this old, has arrived, if it has one."""
    server = a_protected_server(vault=source, name=name)
    if hours_old is not None:
        made = NOW - hours_old * HOUR
        fields = {
            "resource_id": server.resource_id,
            "resource_name": name,
            "name": f"backup-{name}-{hours_old}",
        }
        a_backup(vault=source, created_at=made, **fields)
        a_backup(
            vault=destination,
            image_type="replication",
            **{"created_at": made + 5 * HOUR, **fields, **replica},
        )
    return server


def cell_of(server, now=NOW, region="eu-nl"):
    return coverage.cells_of_servers(sight(now), now, [server.pk])[server.pk][region]


def test_age_counts_from_the_making_of_the_backup_and_arrival_is_told_beside_it(source, destination):
    server = a_server_with(source, destination, hours_old=20)
    a_target(vault=source, hours=24)

    renew()

    cell = cell_of(server)
    assert (cell.verdict, cell.taken_at, cell.arrived_at, cell.met_until, cell.destination) == (
        Verdict.MET,
        NOW - 20 * HOUR,
        NOW - 15 * HOUR,
        NOW + 4 * HOUR,
        destination,
    )


def test_target_is_met_to_the_second_and_missed_after_it(source, destination):
    server = a_server_with(source, destination, hours_old=24)
    a_target(vault=source, hours=24)
    renew()

    at_the_edge = cell_of(server).verdict
    after_it = cell_of(server, NOW + timedelta(seconds=1)).verdict

    assert (at_the_edge, after_it) == (Verdict.MET, Verdict.BEHIND)


@pytest.mark.parametrize(
    ("hours_old", "target", "verdict"),
    [
        (None, 24, Verdict.NEVER),
        (25, 24, Verdict.BEHIND),
        (23, 24, Verdict.MET),
        (None, None, Verdict.NOTHING),
        (1, None, Verdict.UNTARGETED),
    ],
)
def test_verdict_follows_from_age_and_target(source, destination, hours_old, target, verdict):
    server = a_server_with(source, destination, hours_old=hours_old)
    if target:
        a_target(project=source.project, hours=target)

    renew()

    assert cell_of(server).verdict == verdict


@pytest.mark.parametrize("hours_old", [None, 1, 25])
@pytest.mark.parametrize(
    "reading",
    [
        {"error": "The gateway answered 503."},
        {"read_at": NOW - timedelta(minutes=31)},
        {"read_at": None},
    ],
)
def test_whatever_was_known_of_a_destination_that_cannot_be_read_is_not_known(
    source, destination, hours_old, reading
):
    server = a_server_with(source, destination, hours_old=hours_old)
    a_target(vault=source, hours=24)
    renew()

    CloudReading.objects.filter(cloud="sandbox-recovery").update(**reading)

    assert cell_of(server).verdict == Verdict.UNKNOWN


def test_region_that_no_account_leads_to_is_not_known(source, destination):
    server = a_server_with(source, destination, hours_old=None)
    a_target(vault=source)
    renew()

    CloudReading.objects.filter(cloud="sandbox-recovery").delete()

    assert cell_of(server).verdict == Verdict.UNKNOWN


def test_account_of_which_nothing_was_ever_read_may_lead_anywhere(source, destination):
    behind, met = (
        a_server_with(source, destination, hours_old=hours, name=f"s-{hours}") for hours in (30, 3)
    )
    a_target(vault=source)
    renew()

    CloudReading.objects.create(cloud="new", refresh_after=NOW, error="No such entry.")

    assert (cell_of(behind).verdict, cell_of(met).verdict) == (Verdict.UNKNOWN, Verdict.MET)


def test_second_unreadable_account_of_the_region_hides_what_is_behind_but_not_what_is_met(
    source, destination
):
    behind, met = (
        a_server_with(source, destination, hours_old=hours, name=f"s-{hours}") for hours in (30, 3)
    )
    a_target(vault=source)
    a_project("eu-nl_archive", cloud="archive")
    renew()

    CloudReading.objects.filter(cloud="archive").update(error="No route.")

    assert (cell_of(behind).verdict, cell_of(met).verdict) == (Verdict.UNKNOWN, Verdict.MET)


@pytest.mark.parametrize(
    "replica",
    [{"status": "error"}, {"status": "protecting"}, {"vanished_at": NOW}, {"resource_id": "another server"}],
)
def test_replica_that_is_not_available_or_of_another_server_is_no_restore_point(source, destination, replica):
    server = a_server_with(source, destination, hours_old=1, **replica)
    a_target(vault=source)

    renew()

    assert cell_of(server).verdict == Verdict.NEVER


def test_backup_in_a_source_vault_of_the_region_is_no_replica(source, destination):
    server = a_protected_server(vault=source, resource_id="one")
    a_backup(vault=a_vault(name="elsewhere", project=destination.project), resource_id="one")
    a_target(vault=source)

    renew()

    assert cell_of(server).verdict == Verdict.NEVER


def test_replica_of_which_nobody_knows_the_backup_makes_nothing_look_new(source, destination):
    server = a_server_with(source, destination, hours_old=None)
    a_backup(vault=destination, resource_id=server.resource_id, name="renamed", created_at=NOW)
    a_target(vault=source)

    renew()

    assert (cell_of(server).verdict, cell_of(server).taken_at) == (Verdict.UNKNOWN, None)


def test_of_several_backups_with_one_name_the_oldest_counts(source, destination):
    server = a_server_with(source, destination, hours_old=2)
    a_backup(
        vault=source,
        resource_id=server.resource_id,
        name="backup-pg-orders-01-2",
        created_at=NOW - 40 * HOUR,
    )

    renew()

    assert cell_of(server).taken_at == NOW - 40 * HOUR


def test_newest_restore_point_counts_and_when_it_expires_the_one_before_it(source, destination):
    server = a_server_with(source, destination, hours_old=30)
    fields = {"resource_id": server.resource_id, "name": "newer"}
    a_backup(vault=source, created_at=NOW - 2 * HOUR, **fields)
    newer = a_backup(vault=destination, created_at=NOW - HOUR, **fields)
    renew()
    before = cell_of(server).taken_at

    Backup.objects.filter(pk=newer.pk).update(vanished_at=NOW)
    renew()

    assert (before, cell_of(server).taken_at) == (NOW - 2 * HOUR, NOW - 30 * HOUR)


def an_arrival(source, destination, server, *, arrived_at, **fields):
    made = NOW - 3 * HOUR
    backup = a_backup(vault=source, resource_id=server.resource_id, created_at=made)
    replication = a_replication(source=source, destination=destination, status="succeeded")
    a_record(
        replication=replication,
        source_backup=backup,
        backup_id=backup.backup_id,
        resource_id=server.resource_id,
        status="succeeded",
        arrived_at=arrived_at,
        **fields,
    )
    return made


def test_what_a_replication_saw_arrive_counts_until_the_destination_is_read_again(source, destination):
    server = a_server_with(source, destination, hours_old=None)
    arrived_at = NOW + timedelta(minutes=1)
    made = an_arrival(source, destination, server, arrived_at=arrived_at)
    renew()
    seen = (cell_of(server).taken_at, cell_of(server).arrived_at)

    # Read again, the destination shows no such replica: it is gone.
    CloudReading.objects.filter(cloud="sandbox-recovery").update(read_at=NOW + HOUR)
    renew()

    assert (seen, cell_of(server).taken_at) == ((made, arrived_at), None)


def test_replica_that_the_mirror_knows_to_be_gone_does_not_count_because_it_once_arrived(source, destination):
    server = a_server_with(source, destination, hours_old=None)
    a_backup(vault=destination, backup_id="gone", resource_id=server.resource_id, vanished_at=NOW)
    an_arrival(source, destination, server, arrived_at=NOW, destination_backup_id="gone")

    renew()

    assert cell_of(server).taken_at is None


def test_server_whose_region_replicates_to_nowhere_has_one_place_that_says_so(source, destination):
    a_region("eu-ch2", replicates_to=())
    alone = a_protected_server(vault=a_vault(name="alone", project=a_project("eu-ch2_alone", cloud="ch")))
    a_target(project=alone.vault.project)

    renew()

    [(region, cell)] = coverage.cells_of_servers(sight(), NOW, [alone.pk])[alone.pk].items()
    assert (region, cell.verdict) == ("", Verdict.NEVER)


def test_regions_with_a_vault_for_replicas_are_columns_and_without_any_every_region(source):
    source.project.region.replication_destinations = ["eu-nl", "eu-ch2"]
    source.project.region.save()
    a_region("eu-ch2", replicates_to=("eu-de",))
    a_protected_server(vault=source)
    renew()
    before = coverage.columns()

    a_replication_vault()
    renew()

    assert (before, coverage.columns()) == (["eu-ch2", "eu-nl"], ["eu-nl"])


def test_renewing_twice_writes_nothing_the_second_time(source, destination, django_assert_max_num_queries):
    for number in range(30):
        a_server_with(source, destination, hours_old=number, name=f"s-{number}")
    renew()
    before = list(Coverage.objects.order_by("pk").values())

    with django_assert_max_num_queries(16) as queries:
        renew()

    assert list(Coverage.objects.order_by("pk").values()) == before
    assert [one["sql"] for one in queries if one["sql"].startswith(("UPDATE", "INSERT", "DELETE"))] == []


def test_standing_counts_each_server_once_and_the_worst_region_first(
    source, destination, django_assert_num_queries
):
    a_server_with(source, destination, hours_old=None, name="never")
    a_server_with(source, destination, hours_old=30, name="behind")
    a_server_with(source, destination, hours_old=50, name="long behind")
    a_server_with(source, destination, hours_old=2, name="met")
    other = a_vault(name="untargeted")
    a_server_with(other, destination, hours_old=2, name="untargeted")
    a_target(vault=source)
    renew()
    clear = sight()

    with django_assert_num_queries(2):
        found = coverage.standing(clear, NOW)

    assert found == Standing(
        servers=5,
        targeted=4,
        broken=3,
        unknown=0,
        regions=(
            RegionStanding(
                region="eu-nl",
                never=1,
                behind=2,
                unknown=0,
                untargeted=1,
                met=1,
                since=NOW - 26 * HOUR,
            ),
        ),
    )


def names(rows):
    return [row["server__name"] for row in rows]


@pytest.fixture
def several(source, destination):
    for name, hours in [("met", 2), ("behind", 30), ("never", None), ("long behind", 50), ("nearly", 20)]:
        a_server_with(source, destination, hours_old=hours, name=name)
    a_target(vault=source)
    other = a_vault(name="vault-other", project=a_project("eu-de_internal", cloud="internal"))
    a_server_with(other, destination, hours_old=None, name="without target")
    renew()
    return source


def test_worst_stands_first_and_what_is_overdue_longest_before_the_others(several):
    assert names(coverage.servers(sight(), NOW, Wanted())) == [
        *("never", "long behind", "behind", "without target", "nearly", "met")
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"verdicts": coverage.BROKEN}, ["never", "long behind", "behind"]),
        ({"text": "BEHIND"}, ["long behind", "behind"]),
        ({"text": "vault-other"}, ["without target"]),
        ({"text": "behind", "verdicts": (Verdict.MET,)}, []),
    ],
)
def test_filter_leaves_only_what_fits(several, wanted, found):
    assert names(coverage.servers(sight(), NOW, Wanted(**wanted))) == found


def test_filter_by_project_leaves_its_servers(several):
    project = a_project("eu-de_internal")

    assert names(coverage.servers(sight(), NOW, Wanted(project=project))) == ["without target"]


def test_vault_is_as_well_off_as_the_worst_of_its_servers(several):
    [first, _second] = coverage.vaults(sight(), NOW, Wanted())
    cell = coverage.cells_of_vaults(sight(), NOW, [several.pk])[several.pk]["eu-nl"]

    assert first["server__vault"] == several.pk
    assert (cell.verdict, cell.servers, cell.met, cell.taken_at) == (Verdict.NEVER, 5, 2, NOW - 50 * HOUR)


def test_missing_are_the_backups_without_an_available_replica_there(source, destination):
    server = a_server_with(source, destination, hours_old=30)
    fresh = a_backup(vault=source, resource_id=server.resource_id, name="fresh", created_at=NOW - HOUR)
    broken = a_backup(vault=source, resource_id=server.resource_id, name="broken", created_at=NOW - 2 * HOUR)
    a_backup(vault=destination, resource_id=server.resource_id, name="broken", status="error")
    other = a_backup(vault=source, resource_id="other", name="other", created_at=NOW - 3 * HOUR)
    renew()

    of_server = list(coverage.missing(vault=source, region="eu-nl", resource_id=server.resource_id))
    of_vault = list(coverage.missing(vault=source, region="eu-nl"))

    assert (of_server, of_vault) == ([fresh, broken], [fresh, broken, other])


def test_what_was_just_seen_arriving_is_not_missing(source, destination):
    server = a_server_with(source, destination, hours_old=None)
    an_arrival(source, destination, server, arrived_at=NOW + timedelta(minutes=1))
    renew()

    assert list(coverage.missing(vault=source, region="eu-nl")) == []


def test_stamp_changes_with_the_passing_of_a_limit_and_with_a_target(source, destination):
    a_server_with(source, destination, hours_old=20)
    stamps = [coverage.stamp(NOW)]
    a_target(vault=source)
    renew()
    stamps += [coverage.stamp(NOW), coverage.stamp(NOW + 3 * HOUR), coverage.stamp(NOW + 5 * HOUR)]

    assert [one == stamps[1] for one in stamps] == [False, True, True, False]


def test_of_too_many_replicas_the_newest_are_dated_first_and_the_others_with_the_next_reading(
    source, destination, monkeypatch
):
    monkeypatch.setattr("replication.services.replica_origins._AT_ONCE", 1)
    server = a_server_with(source, destination, hours_old=30)
    fields = {"resource_id": server.resource_id, "name": "newer"}
    a_backup(vault=source, created_at=NOW - 2 * HOUR, **fields)
    a_backup(vault=destination, created_at=NOW - HOUR, **fields)
    renew()
    first = (cell_of(server).taken_at, Backup.objects.exclude(taken_at=None).count())

    renew()

    assert first == (NOW - 2 * HOUR, 1)
    assert (cell_of(server).taken_at, Backup.objects.exclude(taken_at=None).count()) == (NOW - 2 * HOUR, 2)
