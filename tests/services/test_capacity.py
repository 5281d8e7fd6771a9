"""Capacity: one row a vault and day, a pace that odd days hardly move, and no forecast without a past."""

from datetime import date, timedelta

import pytest

from replication.models import Vault, VaultDay
from replication.services import capacity
from replication.services.capacity import Forecast, Outlook
from tests.builders import NOW, a_day, a_project, a_recovery_project, a_replication_vault, a_vault

TODAY = date(2026, 11, 24)
GB = 1024


def days(vault, *used_gb, size_gb=1000):
    """A row a day, the last one today; `None` is a day without a reading."""
    return [
        a_day(vault=vault, ago=len(used_gb) - 1 - position, used_mb=int(gb * GB), size_gb=size_gb)
        for position, gb in enumerate(used_gb)
        if gb is not None
    ]


def forecast(vault, *used_gb):
    return capacity.forecast(vault, days(vault, *used_gb), NOW)


@pytest.fixture
def vault(db):
    """Filled to 400 of 1000 GB."""
    return a_replication_vault(used_mb=400 * GB)


def kept():
    return list(
        VaultDay.objects.order_by("vault__name", "day").values_list(
            "vault__name", "day", "size_gb", "used_mb", "read_at"
        )
    )


def test_a_day_is_kept_once_with_its_last_reading(vault):
    capacity.remember(vault.project, NOW)
    later = NOW + timedelta(hours=1)
    Vault.objects.update(used_mb=410 * GB, size_gb=1250)

    capacity.remember(vault.project, later)

    assert kept() == [("vault-recovery", TODAY, 1250, 410 * GB, later)]


def test_next_day_in_utc_is_another_row(vault):
    late = NOW.replace(hour=23, minute=59)
    capacity.remember(vault.project, late)

    capacity.remember(vault.project, late + timedelta(minutes=2))

    assert [row[1] for row in kept()] == [TODAY, TODAY + timedelta(days=1)]


def test_older_reading_never_overwrites_a_newer_one(vault):
    capacity.remember(vault.project, NOW)
    Vault.objects.update(used_mb=1)

    capacity.remember(vault.project, NOW - timedelta(minutes=1))

    assert kept() == [("vault-recovery", TODAY, 1000, 400 * GB, NOW)]


def test_only_replication_vaults_that_are_listed_and_tell_their_use_are_kept(db):
    project = a_recovery_project()
    a_vault(project=project, name="backups")
    a_replication_vault(name="gone", vanished_at=NOW)
    a_replication_vault(name="silent", used_mb=None)
    a_replication_vault(name="kept")

    capacity.remember(project, NOW)

    assert [row[0] for row in kept()] == ["kept"]


def test_keeping_costs_the_same_for_one_vault_and_for_a_hundred(db, django_assert_num_queries):
    project = a_recovery_project()
    for number in range(100):
        a_replication_vault(name=f"receiver-{number}")
    capacity.remember(project, NOW)

    with django_assert_num_queries(3):
        capacity.remember(project, NOW + timedelta(minutes=10))


def test_steady_growth_tells_the_day_on_which_it_is_full(vault):
    assert forecast(vault, 340, 350, 360, 370, 380, 390, 400) == Forecast(
        Outlook.FILLS, 7, growth_mb=10 * GB, full_on=TODAY + timedelta(days=60)
    )


def test_full_within_thirty_days_is_said_first(vault):
    assert forecast(vault, 280, 300, 320, 340, 360, 380, 400).outlook == Outlook.SOON


def test_one_clean_up_and_one_large_day_hardly_move_the_pace(vault):
    steady = forecast(vault, *range(381, 401))
    VaultDay.objects.all().delete()
    odd = [float(gb) for gb in range(381, 401)]
    odd[5], odd[12] = 90.0, 990.0

    disturbed = forecast(vault, *odd)

    assert steady.growth_mb == GB
    assert disturbed.growth_mb == pytest.approx(GB, rel=0.05)


def test_days_without_a_reading_are_not_taken_for_days_without_growth(vault):
    found = forecast(vault, 380, 382, None, None, None, 390, 392, 394, 396, None, 400)

    assert (found.days, found.growth_mb) == (7, 2 * GB)


@pytest.mark.parametrize("number", range(7))
def test_fewer_than_seven_days_give_no_forecast(vault, number):
    found = forecast(vault, *range(400 - number + 1, 401))

    assert found == Forecast(Outlook.UNKNOWN, number, reason=capacity.TOO_FEW_DAYS)


@pytest.mark.parametrize("used_gb", [[400] * 10, range(410, 400, -1)])
def test_without_growth_there_is_no_day(vault, used_gb):
    found = forecast(vault, *used_gb)

    assert (found.outlook, found.full_on) == (Outlook.STEADY, None)


def test_growth_that_takes_more_than_five_years_tells_no_day(vault):
    found = forecast(vault, *[400 - 0.01 * ago for ago in range(9, -1, -1)])

    assert (found.outlook, found.full_on) == (Outlook.FILLS, None)


@pytest.mark.parametrize(
    ("used_gb", "outlook"),
    [(1000, Outlook.FULL), (1100, Outlook.FULL), (900, Outlook.NEARLY), (899, Outlook.UNKNOWN)],
)
def test_full_and_nearly_full_need_no_past(db, used_gb, outlook):
    vault = a_replication_vault(used_mb=used_gb * GB)

    assert capacity.forecast(vault, [], NOW).outlook == outlook


@pytest.mark.parametrize("fields", [{"used_mb": None}, {"size_gb": None}])
def test_vault_that_tells_no_size_or_use_is_not_known(db, fields):
    vault = a_replication_vault(**fields)

    assert forecast(vault, *range(1, 11)) == Forecast(Outlook.UNKNOWN, 10, reason=capacity.NOT_TOLD)


@pytest.mark.parametrize(
    "fields",
    [{"seen_at": NOW - timedelta(days=3)}, {"seen_at": None}, {"vanished_at": NOW}],
)
def test_what_was_not_seen_lately_is_not_called_well(db, fields):
    vault = a_replication_vault(**fields)

    assert forecast(vault, *[400] * 10) == Forecast(Outlook.UNKNOWN, 10, reason=capacity.TOO_OLD)


def test_days_are_those_of_the_last_thirty_in_one_query(vault, django_assert_num_queries):
    other = a_replication_vault(name="other", project=a_project("eu-nl_archive", cloud="sandbox-archive"))
    for ago in (0, 30, 31):
        a_day(vault=vault, ago=ago)
    a_day(vault=other, ago=5)

    with django_assert_num_queries(1):
        found = capacity.days_of([vault, other], NOW)

    assert {key: [(TODAY - row.day).days for row in rows] for key, rows in found.items()} == {
        vault.pk: [30, 0],
        other.pk: [5],
    }
