"""A batch is a bracket around replications that were confirmed together."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from replication.models import Batch
from tests.builders import a_batch, a_replication, a_vault

pytestmark = pytest.mark.django_db


def test_one_key_makes_one_batch():
    key = uuid.uuid4()
    a_batch(key=key)

    with pytest.raises(IntegrityError), transaction.atomic():
        a_batch(key=key)

    assert Batch.objects.count() == 1


def test_batch_leads_to_its_replications_and_to_the_one_it_tries_again():
    first = a_replication(status="partial")
    batch = a_batch(retry_of=first)
    again = a_replication(source=a_vault(name="vault-mail"), destination=first.destination, batch=batch)

    assert list(batch.replications.all()) == [again]
    assert list(first.retries.all()) == [batch]
    assert first.batch is None


def test_batch_with_replications_cannot_be_deleted():
    batch = a_batch()
    a_replication(batch=batch)

    with pytest.raises(ProtectedError):
        batch.delete()
