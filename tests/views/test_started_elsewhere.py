"""What was started elsewhere is marked so wherever it is shown, and safe mode says what it waits for."""

from datetime import timedelta

import pytest
from django.urls import reverse

from replication.models import CloudReading, Replication
from tests.builders import (
    NOW,
    a_backup,
    a_replication,
    a_replication_vault,
    a_vault,
    an_attempt,
)
from tests.views.site import review_address


@pytest.fixture
def foreign(db):
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source)
    replication = a_replication(source=source, destination=destination, status="running")
    Replication.objects.filter(pk=replication.pk).update(origin="foreign", actor=None, reason="")
    return Replication.objects.get(pk=replication.pk)


def page(client, who, address):
    client.force_login(who)
    return client.get(address).content.decode()


def test_its_page_says_that_nobody_here_asked_for_it(client, vera, foreign):
    shown = page(client, vera, reverse("replication-detail", args=[foreign.pk]))

    assert "Nobody here: it was started elsewhere and found in the cloud" in shown
    assert "<dt>Reason</dt>" not in shown


@pytest.mark.parametrize("name", ["overview", "replication-list"])
def test_lists_mark_it(client, vera, foreign, name):
    assert "started elsewhere" in page(client, vera, reverse(name))


@pytest.mark.parametrize("name", ["replication-list", "replication-detail"])
def test_destination_that_the_cloud_does_not_name_is_said_so(client, vera, foreign, name):
    Replication.objects.update(destination=None, destination_project_id="", destination_vault_id="")

    shown = page(client, vera, reverse(name, args=[foreign.pk] if name == "replication-detail" else []))

    assert "a vault that the cloud does not name" in shown


def test_last_look_says_that_somebody_elsewhere_occupies_the_vault(client, oskar, foreign):
    shown = page(client, oskar, review_address(foreign.source_vault, foreign.destination))

    assert "This vault is being replicated to eu-nl already; it was started elsewhere," in shown


def test_confirming_meanwhile_leads_to_it(client, oskar, foreign):
    client.force_login(oskar)

    answer = client.post(
        review_address(foreign.source_vault, foreign.destination), {"reason": "Exercise"}, follow=True
    )

    assert answer.redirect_chain == [(reverse("replication-detail", args=[foreign.pk]), 303)]
    assert "Already under way: it was started elsewhere" in answer.content.decode()
    assert Replication.objects.count() == 1


def test_admin_lists_it_as_started_elsewhere(client, anna, foreign):
    shown = page(client, anna, f"{reverse('admin:replication_replication_changelist')}?origin__exact=foreign")

    assert "Elsewhere" in shown


@pytest.mark.parametrize("name", ["overview", "vault-list", "replication-new"])
def test_safe_mode_names_what_is_still_to_be_read(client, oskar, settings, name):
    settings.SAFE_MODE_SINCE = NOW
    for cloud, swept_at in (
        ("never", None),
        ("before", NOW - timedelta(seconds=1)),
        ("since", NOW),
    ):
        CloudReading.objects.create(cloud=cloud, read_at=NOW, refresh_after=NOW, swept_at=swept_at)

    shown = page(client, oskar, reverse(name))

    assert "Safe mode: nothing is sent yet." in shown
    assert "Still to be read: before, never." in shown


def test_nothing_is_said_of_safe_mode_once_all_was_read(client, oskar, settings):
    settings.SAFE_MODE_SINCE = NOW
    CloudReading.objects.create(cloud="since", read_at=NOW, refresh_after=NOW, swept_at=NOW)

    assert "Safe mode" not in page(client, oskar, reverse("overview"))


def test_unclear_replication_shows_what_was_sent_and_what_is_looked_at_next(client, oskar, db):
    replication = a_replication(
        status="unconfirmed", attempt=3, check_after=NOW + timedelta(days=400), submitted_at=NOW
    )
    an_attempt(replication=replication, number=1, outcome="not_delivered", bytes_written=0)
    an_attempt(replication=replication, number=2, http_status=502, error_code="", bytes_written=1)
    an_attempt(replication=replication, number=3, outcome="abandoned", bytes_written=None)

    shown = page(client, oskar, reverse("replication-detail", args=[replication.pk]))

    assert "3 attempts to send" in shown
    for words in (
        "no byte of the request left for sure",
        "HTTP 502",
        "1 byte of the request left",
        "Worker lost",
        "nobody knows how much of the request left",
        "Next look:",
        "in the destination vault",
    ):
        assert words in shown
