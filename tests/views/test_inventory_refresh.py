"""The button that asks for a fresh reading of the cloud."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import AuditEntry, CloudReading
from tests.builders import a_project


@pytest.mark.parametrize("who", ["oskar", "adam"])
def test_reading_is_due_at_once_and_the_audit_knows_who_asked(client, request, who):
    client.force_login(request.getfixturevalue(who))
    a_project()
    before = timezone.now()
    CloudReading.objects.update(refresh_after=before + timedelta(days=1))

    answer = client.post(reverse("inventory-refresh"), {"next": "/vaults/?q=orders"})

    entry = AuditEntry.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, "/vaults/?q=orders")
    assert (entry.action, entry.actor_name, entry.request_id) == (
        "inventory.refresh_requested",
        who,
        answer["X-Request-Id"],
    )
    assert CloudReading.objects.get().refresh_after <= timezone.now()


def test_person_is_told_that_it_happens_soon(client, oskar):
    client.force_login(oskar)

    answer = client.post(reverse("inventory-refresh"), follow=True)

    assert answer.redirect_chain == [("/", 303)]
    assert [str(message) for message in answer.context["messages"]] == [
        "The cloud will be read again within seconds."
    ]


@pytest.mark.parametrize(
    "back", ["", "//elsewhere.example/", "https://elsewhere.example/", "javascript:alert(1)"]
)
def test_nobody_is_led_to_another_site(client, oskar, back):
    client.force_login(oskar)

    answer = client.post(reverse("inventory-refresh"), {"next": back})

    assert (answer.status_code, answer["Location"]) == (303, "/")


@pytest.mark.parametrize("who", ["vera", "anna"])
def test_others_are_refused_and_nothing_is_due_earlier(client, request, who):
    client.force_login(request.getfixturevalue(who))
    a_project()
    before = CloudReading.objects.get().refresh_after

    answer = client.post(reverse("inventory-refresh"))

    assert answer.status_code == 403
    assert CloudReading.objects.get().refresh_after == before
    assert not AuditEntry.objects.exists()
