"""One round on demand, beside workers or without any."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.db import connection as database

from replication.models import CloudReading, Project, WorkerBeat
from tests.journeys.wishes import ask


def reconcile():
    printed = StringIO()
    call_command("reconcile", stdout=printed)
    return printed.getvalue()


def test_nothing_due_is_said_in_numbers(practice):
    assert reconcile() == (
        "Dead claims released: 0. Due to be sent: 0. Unclear looked for: 0. Running looked at: 0. "
        "Cloud entries read: 0, swept: 0.\n"
    )


def test_everything_due_is_done_and_counted(practice, oskar):
    replication = ask(practice, oskar, source="vault-orders-db", destination="replica-production")
    CloudReading.objects.filter(cloud="sandbox-recovery").update(refresh_after=practice.now())

    first, second = reconcile(), reconcile()

    replication.refresh_from_db()
    assert (replication.status, len(practice.accepted())) == ("running", 1)
    assert first == (
        "Dead claims released: 0. Due to be sent: 1. Unclear looked for: 0. Running looked at: 0. "
        "Cloud entries read: 1, swept: 0.\n"
    )
    assert "Due to be sent: 0." in second


def test_first_run_on_an_empty_database_reads_every_entry(practice):
    CloudReading.objects.all().delete()

    printed = reconcile()

    assert "Cloud entries read: 4, swept: 4." in printed
    assert CloudReading.objects.exclude(read_at=None).count() == 4
    assert Project.objects.exclude(cloud="").count() == 4


def test_it_gives_no_sign_of_life_since_nobody_can_rely_on_it(practice):
    reconcile()

    assert not WorkerBeat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_an_error_and_not_a_silence(practice, monkeypatch):
    away = "sqlite3" if database.vendor == "sqlite" else "postgresql"
    database.close()
    monkeypatch.setitem(database.settings_dict, "NAME", "/nowhere/db" if away == "sqlite3" else "nowhere")

    with pytest.raises(OperationalError):
        reconcile()
    database.close()
