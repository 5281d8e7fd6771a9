"""Rate cards: entered by administrators, read by auditors, and by nobody else."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from replication.models import RateCard
from tests.builders import a_rate_card

LIST, ADD = reverse("admin:replication_ratecard_changelist"), reverse("admin:replication_ratecard_add")
ENTERED = {
    "valid_from": "2026-01-01",
    "currency": "EUR",
    "traffic_per_gb": "0.0225",
    "space_per_gb_month": "0.05",
    "note": "",
}


def test_administrator_enters_a_card_and_the_history_names_them(client, adam):
    client.force_login(adam)

    answer = client.post(ADD, ENTERED)

    card = RateCard.objects.get()
    assert (answer.status_code, card.traffic_per_gb, str(card)) == (302, Decimal("0.0225"), "EUR 2026-01-01")
    assert (LogEntry.objects.get().user, LogEntry.objects.get().object_repr) == (adam, "EUR 2026-01-01")


@pytest.mark.parametrize(
    ("field", "value"), [("currency", "eur"), ("traffic_per_gb", "-1"), ("valid_from", "2025-01-01")]
)
def test_card_that_makes_no_sense_is_not_taken(client, adam, field, value):
    a_rate_card(valid_from="2025-01-01")
    client.force_login(adam)

    answer = client.post(ADD, {**ENTERED, field: value})

    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, [field])
    assert RateCard.objects.count() == 1


def test_auditor_reads_cards_and_changes_none(client, anna):
    card = a_rate_card()
    client.force_login(anna)
    about = reverse("admin:replication_ratecard_change", args=[card.pk])

    listed = client.get(LIST).content.decode()
    refused = [
        client.post(ADD, ENTERED).status_code,
        client.post(about, {**ENTERED, "note": "x"}).status_code,
    ]

    assert ("Price list of January" in listed, refused) == (True, [403, 403])
    assert list(RateCard.objects.values_list("note", flat=True)) == ["Price list of January"]


@pytest.mark.parametrize("person", ["vera", "oskar"])
def test_others_see_no_cards(client, request, person):
    client.force_login(request.getfixturevalue(person))

    assert client.get(LIST, follow=True).status_code == 403
