"""Clouds to read from, one a profile; journeys go through both."""

import pytest

from tests.practice import practising


@pytest.fixture
def practice(db, settings):
    """A cloud that tells no replication records, as Open Telekom Cloud's reference has it."""
    with practising("otc", settings) as practice:
        yield practice


@pytest.fixture
def telling_practice(db, settings):
    """A cloud whose backups carry their replication records."""
    with practising("huawei", settings) as practice:
        yield practice
