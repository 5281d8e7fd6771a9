"""What tests of pages start from."""

import pytest

from tests.builders import a_backup, a_replication_vault, a_vault


@pytest.fixture
def vaults(db):
    """A source vault with one backup, and a replication vault in the other region."""
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source)
    return source, destination
