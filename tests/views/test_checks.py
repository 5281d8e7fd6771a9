"""Saved checks: made from the last look, read by colleagues, and gone on from."""

import json
import re
import shlex
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from replication.models import AuditEntry, Check, Replication
from tests.builders import (
    a_backup,
    a_check,
    a_rate_card,
    a_record,
    a_replication,
    a_replication_vault,
    a_user,
    a_vault,
)
from tests.views.site import review_address, text_of


@pytest.fixture
def vaults(db):
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source, name="first", replicated_to=[], copying_to=[])
    return source, destination


def onward_of(answer):
    """Return the address that the page of a check leads on to."""
    return answer.context["onward"]


def test_last_look_is_saved_under_an_address_of_its_own(client, oskar, vaults):
    client.force_login(oskar)
    address = review_address(*vaults, auto_trigger="on")
    save = re.search(
        r'<form method="post" action="(/checks/save/[^"]+)"', client.get(address).content.decode()
    )

    answer = client.post(save.group(1).replace("&amp;", "&"))

    check = Check.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/checks/{check.pk}/")
    assert (check.actor, check.source_vault, check.destination, check.auto_trigger) == (oskar, *vaults, True)
    assert AuditEntry.objects.get().request_id == answer["X-Request-Id"]
    assert not Replication.objects.exists()


def test_colleague_sees_the_result_as_it_was_and_how_old_it_is(client, vera, oskar, vaults):
    check = a_check(
        source=vaults[0], destination=vaults[1], actor=oskar, now=timezone.now() - timedelta(minutes=30)
    )
    vaults[0].backups.all().delete()
    client.force_login(vera)

    page = text_of(client.get(f"/checks/{check.pk}/"))

    assert "It shows what was known when it was made: 30 minutes ago ." in page
    assert "Backups may have come and gone since." not in page
    assert "Checked by oskar" in page
    assert f"http://testserver/checks/{check.pk}/" in page
    assert "Will be replicated 1 disks of the servers: 40 GB" in page
    assert "first" in page
    assert "OK 21" in page
    assert "Cannot be judged 1 The number of replicas is below the cloud&#x27;s limit" in page
    assert "An operator can go on from here to confirm. Pass on the link to this check." in page
    assert "Look again and confirm" not in page


def test_every_rule_is_named_also_those_that_hold(client, vera, vaults):
    check = a_check(source=vaults[0], destination=vaults[1])
    client.force_login(vera)

    answer = client.get(f"/checks/{check.pk}/")

    page = text_of(answer)
    rules = answer.context["outlook"].forecast.rules
    assert len(rules) == 22
    assert [
        str(one.title)
        for one in rules
        if str(one.title).replace("'", "&#x27;") not in page.replace("'", "&#x27;")
    ] == []


def test_check_of_yesterday_says_that_it_is_old(client, vera, vaults):
    check = a_check(source=vaults[0], destination=vaults[1], now=timezone.now() - timedelta(days=1))
    client.force_login(vera)

    assert "1 day ago . Backups may have come and gone since." in text_of(client.get(f"/checks/{check.pk}/"))


def test_check_names_what_was_asked_for_since(client, oskar, vaults):
    check = a_check(source=vaults[0], destination=vaults[1], now=timezone.now() - timedelta(minutes=5))
    later = a_replication(
        source=vaults[0], destination=vaults[1], status="running", requested_at=timezone.now()
    )
    client.force_login(oskar)

    page = text_of(client.get(f"/checks/{check.pk}/"))

    assert (
        f"Since then this vault has been asked to be replicated to eu-nl: {later.reference} Running" in page
    )


def test_going_on_makes_a_new_forecast_and_says_that_nothing_differs(client, oskar, vaults):
    check = a_check(source=vaults[0], destination=vaults[1], actor=oskar)
    client.force_login(oskar)
    onward = onward_of(client.get(f"/checks/{check.pk}/"))

    looked = text_of(client.get(onward))
    answer = client.post(onward, {"reason": "Exercise"})

    replication = Replication.objects.get()
    assert "Looked at anew: nothing differs from the check that oskar saved" in looked
    assert answer["Location"] == f"/replications/{replication.pk}/"
    assert AuditEntry.objects.get(replication=replication).details["check"] == str(check.pk)


def test_going_on_says_what_differs_from_the_check(client, oskar, vaults):
    source, destination = vaults
    check = a_check(source=source, destination=destination, actor=oskar)
    a_backup(vault=source, name="second", replicated_to=[], copying_to=[])
    source.backups.filter(name="first").update(status="error")
    client.force_login(a_user("olga", "operator"))

    page = text_of(client.get(onward_of(client.get(f"/checks/{check.pk}/"))))

    assert "This is no longer what the saved check says. oskar made it" in page
    assert "The backups are available : OK → Warning. 1 backup is not “available” and is left out." in page
    assert "first: Will be replicated → Cannot be replicated" in page
    assert "second: not there yet → Will be replicated" in page


def test_typed_destination_is_kept_and_gone_on_with(client, oskar, vaults):
    client.force_login(oskar)
    typed = {"typed_region": "eu-nl", "typed_project_id": "a1b2", "typed_vault_id": str(uuid.UUID(int=7))}
    save = review_address(*vaults, name="check-save", region="", project="", destination="", **typed)

    answer = client.post(save, follow=True)
    looked = client.get(onward_of(answer))

    assert "nobody has checked that it exists and has room" in text_of(answer)
    assert looked.context["look"].destination.vault_id == str(uuid.UUID(int=7))
    assert "nothing differs from the check" in text_of(looked)


def test_check_of_another_replication_is_not_compared(client, oskar, vaults):
    other = a_check(source=a_vault(name="other"), destination=vaults[1])
    client.force_login(oskar)

    pages = [
        text_of(client.get(review_address(*vaults, check=check))) for check in (other.pk, "x", uuid.uuid4())
    ]

    assert [page for page in pages if "saved check" in page or "nothing differs" in page] == []


def test_choices_that_have_become_unfit_are_not_saved_but_told(client, oskar, vaults):
    vaults[1].status = "lock"
    vaults[1].save()
    client.force_login(oskar)

    answer = client.post(review_address(*vaults, name="check-save"), follow=True)

    assert "vault-recovery: Its status is “lock”, not “available”." in text_of(answer)
    assert not Check.objects.exists()


def test_confirming_what_has_changed_since_it_was_shown_sends_nothing(client, oskar, vaults):
    client.force_login(oskar)
    address = review_address(*vaults)
    shown = re.search(r'name="seen" value="(\w+)"', client.get(address).content.decode()).group(1)
    a_backup(vault=vaults[0], name="second")

    first = client.post(address, {"reason": "Exercise", "seen": shown})
    page = first.content.decode()
    stopped = Replication.objects.count()
    again = re.search(r'name="seen" value="(\w+)"', page).group(1)
    second = client.post(address, {"reason": "Exercise", "seen": again})

    assert "What would happen has changed since you looked. Nothing was sent." in page
    assert (first.status_code, stopped, "Exercise" in page) == (200, 0, True)
    assert (second.status_code, Replication.objects.count()) == (303, 1)


def test_what_it_takes_is_told_with_its_basis(client, oskar, vaults):
    source, destination = vaults
    source.backups.update(resource_size_gb=700)
    destination.auto_expand = True
    destination.save()
    a_rate_card()
    for minutes in (38, 41, 47, 50, 55):
        sent = timezone.now() - timedelta(days=minutes)
        past = a_replication(
            source=source,
            destination=destination,
            status="succeeded",
            submitted_at=sent,
            finished_at=sent + timedelta(minutes=minutes),
        )
        a_record(replication=past, status="succeeded")
    client.force_login(oskar)

    page = text_of(client.get(review_address(*vaults)))

    assert "Size at most 700 GiB" in page
    assert "Traffic At most 700 GiB. Billed to the source region, eu-de." in page
    assert "Room before 600 GiB free of 1,000 GiB" in page
    assert (
        "Room after Up to 100 GiB too little. The cloud adds 25 % when the vault is full, which makes it 1,250 GiB: "
        "then at least 150 GiB are free."
    ) in page
    assert (
        "At most 14.00\N{NO-BREAK SPACE}EUR once for the traffic, and 35.00\N{NO-BREAK SPACE}EUR a month"
        in page.replace("14.00 EUR", "14.00\N{NO-BREAK SPACE}EUR").replace(
            "35.00 EUR", "35.00\N{NO-BREAK SPACE}EUR"
        )
    )
    assert "An estimate by the rate card of 2026-01-01, which an administrator entered." in page
    assert (
        "Time 38 min 0 s to 55 min 0 s The shortest and the longest of the last 5 finished replications"
        in page
    )


def test_without_rate_card_history_or_answers_nothing_is_made_up(client, oskar, vaults):
    client.force_login(oskar)

    page = text_of(client.get(review_address(*vaults)))

    assert "Not estimated: no rate card has been entered." in page
    assert "Not told before 5 replications of this vault to eu-nl have finished; 0 have." in page
    assert "None has been answered by the cloud yet, so nobody can tell how good they are." in page


def test_same_as_a_command_names_every_id_and_no_secret(client, oskar, vaults):
    source, destination = vaults
    client.force_login(oskar)

    answer = client.get(review_address(*vaults, auto_trigger="on"))

    [command] = answer.context["commands"]
    body = json.loads(shlex.split(command.text.replace(" \\\n  ", " "))[-1])
    assert body == {
        "replicate": {
            "vault_id": source.vault_id,
            "destination_region": "eu-nl",
            "destination_project_id": destination.project.project_id,
            "destination_vault_id": destination.vault_id,
            "auto_trigger": True,
        }
    }
    page = answer.content.decode()
    assert f"/v3/{source.project.project_id}/checkpoints/replicate" in page
    assert "X-Auth-Token: $OS_TOKEN" in page
    assert 'data-copy-from="command-1"' in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"forecast_score": "right"},
            "Right Forecast Accepted, with 1 backup Answer Accepted, with 1 backup, exactly those",
        ),
        (
            {"forecast_score": "refused", "status": "rejected", "error_code": "BackupService.6112"},
            "Refused unexpectedly Forecast Accepted, with 1 backup Answer Refused BackupService.6112 . Nothing had warned",
        ),
        (
            {"forecast_score": "refused_as_warned", "status": "rejected", "error_code": "BackupService.6129"},
            "Answer Refused BackupService.6129 . A warning had named this code.",
        ),
        ({"forecast_score": ""}, "1 backup was forecast. The cloud's answer is held against it as soon as"),
    ],
)
def test_page_of_a_replication_holds_the_forecast_against_the_answer(client, vera, vaults, fields, told):
    replication = a_replication(
        source=vaults[0],
        destination=vaults[1],
        **{
            "status": "running",
            "forecast": {"replicate": ["b-1"], "codes": []},
            "response": {"replication": {"backups": [{"backup_id": "b-1"}]}},
            **fields,
        },
    )
    client.force_login(vera)

    page = text_of(client.get(f"/replications/{replication.pk}/")).replace("&#x27;", "'")

    assert told in page
    scored = bool(fields["forecast_score"])
    assert ("of 1 forecast that the cloud has answered." in page) == scored
