from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.checks import check_configuration, refuse_wrong_configuration


@pytest.fixture
def on_own_machine(settings):
    """Settings as they are when nothing is set."""
    settings.LOCAL = True
    settings.DEBUG = settings.DEMO = False
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    settings.REPLICATION_CLOUDS = []
    return settings


@pytest.fixture
def production(on_own_machine):
    """Settings of an installation that works with real accounts."""
    on_own_machine.LOCAL = False
    on_own_machine.ALLOWED_HOSTS = ["replication.example.org"]
    on_own_machine.REPLICATION_CLOUDS = ["de-production", "nl-recovery"]
    return on_own_machine


def found():
    return [(message.id, message.is_serious()) for message in check_configuration(None)]


def test_own_machine_with_nothing_set_passes(on_own_machine):
    assert found() == []


def test_complete_production_passes(production):
    assert found() == []
    refuse_wrong_configuration()


def test_production_without_hosts_is_refused(production):
    production.ALLOWED_HOSTS = []

    assert found() == [("dashboard.E001", True)]


def test_other_machines_are_not_served_without_a_secret_key(on_own_machine):
    on_own_machine.ALLOWED_HOSTS = ["localhost", "replication.example.org"]

    assert found() == [("dashboard.E002", True)]


@pytest.mark.parametrize(
    ("clouds", "expected"),
    [
        (["de", ""], ["dashboard.E003"]),
        (["de", " "], ["dashboard.E003"]),
        (["de", "nl", "de"], ["dashboard.E004"]),
        (["de", "", "de"], ["dashboard.E003", "dashboard.E004"]),
    ],
)
def test_empty_or_repeated_cloud_entry_is_refused(production, clouds, expected):
    production.REPLICATION_CLOUDS = clouds

    assert [name for name, _serious in found()] == expected


def test_short_settle_window_is_refused_with_real_accounts_only(production):
    production.REPLICATION_SETTLE_WINDOW = timedelta(minutes=9, seconds=59)

    with_accounts = found()
    production.REPLICATION_CLOUDS = []

    assert with_accounts == [("dashboard.E005", True)]
    assert found() == []


def test_settle_window_of_ten_minutes_is_long_enough(production):
    production.REPLICATION_SETTLE_WINDOW = timedelta(minutes=10)

    assert found() == []


def test_demo_never_meets_real_accounts(production):
    production.DEMO = True

    assert found() == [("dashboard.E006", True)]


@pytest.mark.parametrize(
    "setting",
    ["REPLICATION_PROGRESS_INTERVAL", "REPLICATION_INVENTORY_INTERVAL", "REPLICATION_ARRIVAL_WINDOW"],
)
def test_interval_that_is_not_above_zero_is_refused(on_own_machine, setting):
    setattr(on_own_machine, setting, timedelta(0))

    assert found() == [("dashboard.E007", True)]


def test_session_that_ends_at_once_is_refused(on_own_machine):
    on_own_machine.SESSION_COOKIE_AGE = -1

    assert found() == [("dashboard.E007", True)]


def test_limit_below_zero_is_refused_and_zero_is_none(on_own_machine):
    on_own_machine.REPLICATION_REGION_LIMIT = -1
    below = found()
    on_own_machine.REPLICATION_REGION_LIMIT = 0

    assert below == [("dashboard.E010", True)]
    assert found() == []


def test_time_zone_that_does_not_exist_is_refused(on_own_machine):
    on_own_machine.DISPLAY_TIME_ZONE = "Europe/Bonn"

    assert found() == [("dashboard.E008", True)]


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:8900", "ftp://127.0.0.1", "http://", "http://127.0.0.1:8900/v3"]
)
def test_sandbox_address_that_is_no_server_is_refused_while_the_sandbox_is_used(on_own_machine, address):
    on_own_machine.SANDBOX_URL = address

    with_sandbox = found()
    on_own_machine.REPLICATION_CLOUDS = ["de"]

    assert with_sandbox == [("dashboard.E009", True)]
    assert found() == []


def test_debugging_with_real_accounts_is_warned_about(production):
    production.DEBUG = True

    assert found() == [("dashboard.W001", False)]


def test_refusal_names_every_reason_and_what_to_change(production):
    production.ALLOWED_HOSTS = []
    production.DEMO = True

    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_wrong_configuration()

    told = str(refusal.value)
    assert "(dashboard.E001) ALLOWED_HOSTS is empty" in told
    assert "(dashboard.E006) DEMO is on and REPLICATION_CLOUDS names real cloud accounts" in told
    assert told.count("HINT:") == 2


def test_silenced_check_does_not_stop_the_server(production):
    production.ALLOWED_HOSTS = []
    production.SILENCED_SYSTEM_CHECKS = ["dashboard.E001"]

    refuse_wrong_configuration()
