"""Withdrawing a replication, and settling an unclear one."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import AuditEntry, Look
from tests.builders import a_replication
from tests.views.site import text_of


def address(name, replication):
    return reverse(f"replication-{name}", args=[replication.pk])


def audited():
    return list(AuditEntry.objects.order_by("id").values_list("action", "actor_name", "details"))


def told(answer):
    return [str(message) for message in answer.context["messages"]]


def an_unclear_one(*, looks=(), **fields):
    """Return an unclear replication that was sent two hours ago, and was looked for as told: how much was found."""
    sent = timezone.now() - timedelta(hours=2)
    replication = a_replication(status="unconfirmed", submitted_at=sent, **fields)
    for number, found in enumerate(looks):
        Look.objects.create(
            replication=replication,
            at=sent + timedelta(minutes=40 + number),
            complete=True,
            found=found,
            sources=[
                {"source": "operation_log", "read": True, "found": found},
                {"source": "replica", "read": False, "error": "no route"},
            ],
        )
    return replication


def test_queued_replication_is_withdrawn_after_one_more_question(client, oskar):
    client.force_login(oskar)
    replication = a_replication()

    asked = client.get(address("withdraw", replication))
    answer = client.post(address("withdraw", replication), follow=True)

    replication.refresh_from_db()
    assert "Nothing was sent yet. Once it is withdrawn, nothing will be." in text_of(asked)
    assert answer.redirect_chain == [(f"/replications/{replication.pk}/", 303)]
    assert told(answer) == ["It is withdrawn. Nothing was sent."]
    assert (replication.status, [action for action, *_rest in audited()]) == (
        "cancelled",
        ["replication.cancelled"],
    )


def test_withdrawing_too_late_withdraws_nothing_and_says_so(client, oskar):
    client.force_login(oskar)
    replication = a_replication(status="running")

    answer = client.post(address("withdraw", replication), follow=True)

    replication.refresh_from_db()
    assert told(answer) == ["Too late: it is no longer waiting to be sent, so nothing was withdrawn."]
    assert (replication.status, audited()) == ("running", [])


@pytest.mark.parametrize(
    ("name", "looks", "status", "action", "message"),
    [
        (
            "rearm",
            [0, 0, 0],
            "requested",
            "replication.rearmed",
            "It is queued again and will be sent within seconds.",
        ),
        ("give-up", [0, 0, 0], "cancelled", "replication.cancelled", "It is withdrawn."),
        (
            "adopt",
            [0, 2],
            "unconfirmed",
            "replication.adoption_allowed",
            "The next look at the cloud takes it over.",
        ),
    ],
)
def test_unclear_replication_is_settled_by_a_person_with_a_reason(
    client, oskar, name, looks, status, action, message
):
    client.force_login(oskar)
    replication = an_unclear_one(looks=looks)

    answer = client.post(address(name, replication), {"reason": "Seen in the console"}, follow=True)

    replication.refresh_from_db()
    assert answer.redirect_chain == [(f"/replications/{replication.pk}/", 303)]
    assert told(answer) == [message]
    assert (replication.status, replication.adoption_allowed) == (status, name == "adopt")
    assert [(entry[0], entry[1], entry[2]["reason"]) for entry in audited()] == [
        (action, "oskar", "Seen in the console")
    ]


@pytest.mark.parametrize("name", ["rearm", "give-up", "adopt"])
@pytest.mark.parametrize("reason", ["", "no"])
def test_settling_asks_why(client, oskar, name, reason):
    client.force_login(oskar)
    replication = an_unclear_one(looks=[2] if name == "adopt" else [0, 0, 0])

    answer = client.post(address(name, replication), {"reason": reason})

    assert (answer.status_code, "errorlist" in answer.content.decode(), audited()) == (200, True, [])


@pytest.mark.parametrize(
    ("name", "looks", "obstacle"),
    [
        ("rearm", [], "0 of 3 complete looks at the cloud are done."),
        ("give-up", [0], "1 of 3 complete looks at the cloud are done."),
        ("rearm", [0, 0, 1], "The cloud shows something that may be this replication."),
        ("adopt", [], "The latest look at the cloud found nothing to take over."),
        ("adopt", [1, 0], "The latest look at the cloud found nothing to take over."),
    ],
)
def test_decision_that_the_evidence_does_not_carry_is_not_offered_and_not_taken(
    client, oskar, name, looks, obstacle
):
    client.force_login(oskar)
    replication = an_unclear_one(looks=looks)

    asked = client.get(address(name, replication))
    sent = client.post(address(name, replication), {"reason": "I am sure"})

    replication.refresh_from_db()
    assert f"Not possible yet: {obstacle}" in text_of(asked)
    assert '<textarea name="reason"' not in asked.content.decode()
    assert (sent.status_code, obstacle in text_of(sent)) == (200, True)
    assert (replication.status, replication.adoption_allowed, audited()) == ("unconfirmed", False, [])


def test_taking_over_is_allowed_once(client, oskar):
    client.force_login(oskar)
    replication = an_unclear_one(looks=[1], adoption_allowed=True)

    page = text_of(client.get(address("adopt", replication)))

    assert "A person has allowed it already, and the next look does so." in page


@pytest.mark.parametrize("name", ["rearm", "give-up", "adopt"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_no_longer_unclear_is_not_settled(client, oskar, name, method):
    client.force_login(oskar)
    replication = a_replication(status="running")

    answer = getattr(client, method)(address(name, replication), {"reason": "Please"}, follow=True)

    assert answer.redirect_chain == [(f"/replications/{replication.pk}/", 303)]
    assert told(answer) == ["It is not unclear any more, so there is nothing to settle."]
    assert audited() == []


def test_settling_shows_what_each_look_has_found_and_what_it_risks(client, oskar):
    client.force_login(oskar)
    replication = an_unclear_one(looks=[0, 3])
    Look.objects.create(replication=replication, at=timezone.now(), complete=False, sources=[])

    page = text_of(client.get(address("adopt", replication)))

    assert "Nothing found, but the look was incomplete" in page
    assert "3 candidates found" in page
    assert "operation log: 3 found · destination vault: not read (no route)" in page
    assert "You say that what the cloud shows is this replication." in page
