"""Settings become connections in one place: to the sandbox where none are named, else to the entries of clouds.yaml."""

import pytest
import yaml

from replication.cloud import Misconfigured
from replication.sandbox import Sandbox
from replication.services import connection


@pytest.fixture(autouse=True)
def nothing_kept():
    connection.forget()
    yield
    connection.forget()


@pytest.fixture
def two_entries(tmp_path, monkeypatch, settings):
    """Name two entries of a clouds.yaml in the settings."""
    auth = {"auth_url": "https://iam.example/v3", "username": "u", "password": "p", "project_name": "eu-de_x"}
    entries = {
        name: {"auth": auth, "region_name": region}
        for name, region in (("here", "eu-de"), ("there", "eu-nl"))
    }
    path = tmp_path / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": entries | {"unused": {}}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    settings.REPLICATION_CLOUDS = ["there", "here"]


def test_the_sandbox_is_meant_where_no_entry_is_named(settings):
    settings.REPLICATION_CLOUDS = []

    assert connection.cloud_names() == (
        "sandbox-production",
        "sandbox-internal",
        "sandbox-recovery",
        "sandbox-archive",
    )


def test_the_named_entries_are_those_of_the_settings_in_their_order(two_entries):
    told = [(name, connection.credentials(name).region) for name in connection.cloud_names()]

    assert told == [("there", "eu-nl"), ("here", "eu-de")]


def test_an_entry_that_is_not_in_the_file_is_told_as_a_mistake_of_the_configuration(two_entries, settings):
    settings.REPLICATION_CLOUDS = ["elsewhere"]

    with pytest.raises(
        Misconfigured, match=r"There is no entry 'elsewhere'\. Known are: here, there, unused"
    ):
        connection.cbr("elsewhere")


def test_every_account_of_the_sandbox_signs_in_to_its_project_and_region(settings):
    settings.REPLICATION_CLOUDS = []
    with Sandbox(profile="otc", seed=1) as sandbox:
        settings.SANDBOX_URL = sandbox.url

        told = {
            name: (connection.cbr(name).region, connection.credentials(name).access().project_name)
            for name in connection.cloud_names()
        }
        projects = {project.name for project in connection.iam("sandbox-production").projects()}
        endpoints = {connection.credentials(name).cbr_endpoint().rpartition("/v3/")[0] for name in told}
        connection.forget()

    assert told == connection.SANDBOX_CLOUDS
    assert {project for _, project in told.values()} <= projects
    assert all(endpoint.startswith("http://127.0.0.1:") for endpoint in endpoints)


def test_clients_of_an_entry_share_one_token_for_as_long_as_the_settings_stay(two_entries):
    cbr, iam, credentials = connection.cbr("here"), connection.iam("here"), connection.credentials("here")

    assert connection.cbr("here") is cbr
    assert connection.iam("here") is iam
    assert (cbr._credentials, iam._credentials) == (credentials, credentials)
    assert connection.credentials("there") is not credentials


def test_a_change_of_settings_is_followed_once_the_old_clients_are_forgotten(two_entries, settings):
    old = connection.credentials("here")

    settings.REPLICATION_CLOUDS = []
    connection.forget()

    assert connection.credentials("sandbox-recovery").region == "eu-nl"
    with pytest.raises(KeyError):
        connection.credentials("here")
    assert old.region == "eu-de"
