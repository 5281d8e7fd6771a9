"""The people of the tests, and what every test may ask for."""

import pytest
from django.db import connection

from tests.builders import a_user


@pytest.fixture
def vera(db):
    """A viewer."""
    return a_user("vera", "viewer")


@pytest.fixture
def oskar(db):
    """An operator."""
    return a_user("oskar", "operator")


@pytest.fixture
def anna(db):
    """An auditor."""
    return a_user("anna", "auditor")


@pytest.fixture
def adam(db):
    """An administrator."""
    return a_user("adam", "administrator")


@pytest.fixture(scope="session", autouse=True)
def no_session_left_behind(django_db_setup, django_db_blocker):
    """PostgreSQL drops no database that somebody is still connected to, such as a server thread that ended late."""
    yield
    if connection.vendor == "postgresql":
        # A test may have ended our own session as well.
        connection.close()
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
