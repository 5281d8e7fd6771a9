"""The people of the tests, and what every test may ask for."""

import pytest

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
