"""Choosing from where to where, the last look, and the request itself."""

import re
import uuid

import pytest
from django.urls import reverse

from replication.models import AuditEntry, CloudReading, Replication, Vault
from tests.builders import (
    NOW,
    a_backup,
    a_project,
    a_recovery_project,
    a_replication,
    a_replication_vault,
    a_vault,
)
from tests.views.site import review_address, text_of

NEW = reverse("replication-new")


def options_of(page, name):
    """Return the entries of a menu as text, and whether each is disabled."""
    menu = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL).group()
    return [
        (" ".join(text.split()).replace("\N{EN DASH}", "-"), "disabled" in attributes)
        for attributes, text in re.findall(r"<option([^>]*)>(.*?)</option>", menu, re.DOTALL)
    ]


def test_unfit_choices_are_listed_disabled_with_their_reasons(client, oskar, vaults):
    source, destination = vaults
    a_vault(name="vault-build-disks", object_type="disk")
    a_vault(name="vault-gitlab", status="lock")
    a_vault(name="vault-intranet")
    a_vault(name="vault-gone", vanished_at=NOW)
    a_vault(name="vault-edge", project=a_recovery_project())
    a_replication_vault(name="replica-media", object_type="turbo")
    a_replication_vault(name="replica-full", used_mb=1000 * 1024)
    a_project("eu-nl_unread", cloud="")
    client.force_login(oskar)

    page = client.get(
        f"{NEW}?vault={source.pk}&region=eu-nl&project={destination.project.pk}"
    ).content.decode()

    assert {name: options_of(page, name) for name in ("vault", "region", "project", "destination")} == {
        "vault": [
            ("Choose a source vault", False),
            (
                "vault-build-disks - It holds backups of type “disk”; only vaults for servers can be replicated.",
                True,
            ),
            ("vault-gitlab - Its status is “lock”, not “available”.", True),
            ("vault-intranet - It has no backups.", True),
            ("vault-orders-db", False),
            ("vault-edge - It has no backups.", True),
        ],
        "region": [
            ("Choose a region", False),
            ("eu-de - A vault cannot be replicated within its own region.", True),
            ("eu-nl", False),
        ],
        "project": [
            ("Choose a project", False),
            ("eu-nl_recovery", False),
            (
                "eu-nl_unread - Its vaults are not read by this dashboard. Type the vault&#x27;s ID by hand.",
                True,
            ),
        ],
        "destination": [
            ("Choose a vault", False),
            ("replica-full - It is full.", True),
            (
                "replica-media - It takes backups of type “turbo”, the source vault holds type “server”.",
                True,
            ),
            ("vault-recovery", False),
            ("vault-edge - It is not a replication vault.", True),
        ],
    }


def test_link_to_an_unfit_vault_says_why_it_is_not_chosen(client, oskar, vaults):
    locked = a_vault(name="vault-gitlab", status="lock")
    client.force_login(oskar)

    page = text_of(client.get(f"{NEW}?vault={locked.pk}"))

    assert "vault-gitlab: Its status is “lock”, not “available”." in page


def test_chosen_source_is_shown_with_its_project_and_backups(client, oskar, vaults):
    client.force_login(oskar)

    page = text_of(client.get(f"{NEW}?vault={vaults[0].pk}"))

    assert f"Region / project eu-de / eu-de_production Backups 1 Vault ID {vaults[0].vault_id}" in page


def test_single_fit_region_and_project_are_chosen_by_themselves(client, oskar, vaults):
    client.force_login(oskar)

    form = client.get(f"{NEW}?vault={vaults[0].pk}").context["form"]

    chosen = (form.choices.regions.chosen.name, form.choices.projects.chosen.name)
    assert (chosen, form.choices.destinations.chosen) == (("eu-nl", "eu-nl_recovery"), None)


def test_change_of_a_choice_answers_the_menus_that_follow_and_keeps_the_address(client, oskar, vaults):
    source, destination = vaults
    client.force_login(oskar)

    answer = client.get(
        reverse("destination-fields"),
        {"vault": source.pk, "region": "eu-nl", "project": "", "destination": destination.pk, "other": "1"},
    )

    page = answer.content.decode()
    assert answer["HX-Replace-Url"] == f"{NEW}?vault={source.pk}&region=eu-nl&destination={destination.pk}"
    assert page.count("<select") == 3
    assert '<div id="source-facts" hx-swap-oob="true">' in page
    assert "In use there" in page
    assert "<html" not in page


def test_project_without_a_fit_vault_says_so(client, oskar, vaults):
    source, destination = vaults
    Vault.objects.filter(pk=destination.pk).update(status="lock")
    client.force_login(oskar)

    page = text_of(client.get(f"{NEW}?vault={source.pk}"))

    assert "No vault in eu-nl_recovery can take replicas of this source." in page


def test_every_menu_works_without_javascript(client, oskar, vaults):
    client.force_login(oskar)

    page = client.get(NEW).content.decode()

    assert re.search(rf'<button class="[^"]*needs-no-js" formaction="{NEW}">Update choices</button>', page)
    assert f'<form method="get" action="{reverse("replication-review")}"' in page


def test_form_without_any_vault_tells_why(client, oskar):
    client.force_login(oskar)
    nothing = text_of(client.get(NEW))
    reading = CloudReading.objects.create(cloud="production", refresh_after=NOW)
    pending = text_of(client.get(NEW))
    reading.read_at = NOW
    reading.save()
    read = text_of(client.get(NEW))

    assert "No cloud is configured" in nothing
    assert "The inventory is being read for the first time" in pending
    assert "There is no vault to replicate" in read


def test_last_look_names_backups_size_target_and_consequences(client, oskar, vaults):
    source, _destination = vaults
    a_backup(vault=source, name="autobk_second")
    a_backup(vault=source, name="autobk_broken", status="error")
    a_backup(vault=source, name="autobk_there", replicated_to=["eu-nl"])
    client.force_login(oskar)

    answer = client.get(review_address(*vaults))

    page = text_of(answer)
    assert "eu-de / eu-de_production / vault-orders-db to eu-nl / eu-nl_recovery / vault-recovery" in page
    assert "Will be replicated 2 disks of the servers: 80 GB; only used blocks are copied" in page
    assert "Already there 1" in page
    assert "Being copied 0" in page
    assert "Cannot be replicated 1" in page
    assert "Its status is “error”, not “available”." in page
    assert "Once sent, it cannot be stopped. The traffic is billed to the source region, eu-de." in page
    assert "Manual replicas are not expired by any policy: somebody has to delete them." in page
    assert "Replicate 2 backups (80 GB) to eu-nl" in page
    assert not Replication.objects.exists()


def test_unknown_size_is_not_passed_over(client, oskar, vaults):
    vaults[0].backups.update(resource_size_gb=None)
    client.force_login(oskar)

    unknown = text_of(client.get(review_address(*vaults)))
    a_backup(vault=vaults[0])
    partly = text_of(client.get(review_address(*vaults)))

    assert "Replicate 1 backup (size unknown) to eu-nl" in unknown
    assert "Replicate 2 backups (40 GB and 1 of unknown size) to eu-nl" in partly
    assert "at most 40 GiB, 1 backup of unknown size" in partly


def test_nothing_left_to_copy_is_said_and_can_be_sent_all_the_same(client, oskar, vaults):
    vaults[0].backups.update(replicated_to=["eu-nl"])
    client.force_login(oskar)

    page = text_of(client.get(review_address(*vaults)))

    assert "Every backup that can be replicated is in this region already: nothing would be copied." in page
    assert "Send to eu-nl all the same" in page


def test_tight_destination_is_a_warning_with_its_code(client, oskar, vaults):
    vaults[0].backups.update(resource_size_gb=5000)
    client.force_login(oskar)

    page = text_of(client.get(review_address(*vaults)))

    assert "1 warning: know before you send" in page
    assert "They may not fit" not in page
    assert "It may not fit. If the cloud refuses it, then with BackupService.6129 ." in page
    assert "Replicate 1 backup (5,000 GB) to eu-nl" in page


def test_what_the_cloud_would_refuse_is_not_offered_and_not_taken(client, oskar, vaults):
    vaults[0].backups.update(status="error")
    client.force_login(oskar)

    looked = text_of(client.get(review_address(*vaults)))
    sent = client.post(review_address(*vaults), {"reason": "Anyway"})

    assert (
        "1 blocker: the cloud would refuse this At least one backup can be replicated : no. The vault has"
        in looked
    )
    assert "It would answer BackupService.0001 ." in looked
    assert "Reason" not in looked
    assert (sent.status_code, "the cloud would refuse this" in text_of(sent)) == (200, True)
    assert not Replication.objects.exists()


def test_confirming_makes_a_replication_and_leads_to_its_page(client, oskar, vaults):
    source, destination = vaults
    key = uuid.uuid4()
    client.force_login(oskar)

    answer = client.post(
        review_address(source, destination, key=key, auto_trigger="on"), {"reason": " Two\n lines "}
    )

    replication = Replication.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/replications/{replication.pk}/")
    assert {
        name: getattr(replication, name)
        for name in ("key", "actor", "reason", "source_vault", "destination", "auto_trigger", "status")
    } == {
        "key": key,
        "actor": oskar,
        "reason": "Two lines",
        "source_vault": source,
        "destination": destination,
        "auto_trigger": True,
        "status": "requested",
    }
    assert AuditEntry.objects.get().request_id == answer["X-Request-Id"]


def test_destination_can_be_typed_by_hand(client, oskar, vaults):
    source, destination = vaults
    client.force_login(oskar)
    address = review_address(
        source,
        destination,
        region="",
        project="",
        destination="",
        typed_region="eu-nl",
        typed_project_id="a1b2",
        typed_vault_id="elsewhere-1",
    )

    looked = text_of(client.get(address))
    client.post(address, {"reason": "Partner's account"})

    replication = Replication.objects.get()
    assert "nobody has checked that it exists and has room" in looked
    assert (
        replication.destination,
        replication.destination_region,
        replication.destination_project_id,
        replication.destination_vault_id,
    ) == (None, "eu-nl", "a1b2", "elsewhere-1")


def test_typed_ids_of_a_known_vault_lead_to_it(client, oskar, vaults):
    source, destination = vaults
    client.force_login(oskar)

    answer = client.get(
        review_address(
            source,
            destination,
            destination="",
            typed_region="eu-nl",
            typed_project_id=destination.project.project_id,
            typed_vault_id=destination.vault_id,
        )
    )

    assert answer.context["look"].destination.vault == destination


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 501])
def test_reason_is_required_and_of_a_readable_length(client, oskar, vaults, reason):
    client.force_login(oskar)

    answer = client.post(review_address(*vaults), {"reason": reason})

    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert not Replication.objects.exists()


def test_incomplete_choices_lead_back_to_the_form_with_its_errors(client, oskar, vaults):
    source, destination = vaults
    client.force_login(oskar)

    answer = client.get(review_address(source, destination, vault="", destination=""))

    page = text_of(answer)
    assert "This cannot be looked at yet." in page
    assert "Source vault : Choose the vault that is to be replicated." in page
    assert '<a href="#id_vault">' in answer.content.decode()


@pytest.mark.parametrize("key", ["", "none", "12"])
def test_address_without_a_key_of_our_making_gets_a_fresh_form(client, oskar, vaults, key):
    client.force_login(oskar)

    answer = client.get(review_address(*vaults, key=key or "?"))

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, NEW)
    assert "key=" not in answer["Location"]


def test_sending_the_same_form_again_leads_to_the_same_replication(client, oskar, vaults):
    client.force_login(oskar)
    address = review_address(*vaults)

    answers = [client.post(address, {"reason": "Exercise"}) for _click in range(2)]
    looked = text_of(client.get(address))

    assert answers[0]["Location"] == answers[1]["Location"]
    assert Replication.objects.count() == 1
    assert "This was already started by oskar now ." in looked
    assert "Reason" not in looked


def test_second_operator_is_led_to_the_first_ones_replication(client, oskar, vaults):
    active = a_replication(source=vaults[0], destination=vaults[1], actor=oskar, status="running")
    client.force_login(oskar)

    looked = text_of(client.get(review_address(*vaults)))
    answer = client.post(review_address(*vaults), {"reason": "Me too"}, follow=True)

    assert "oskar is already replicating this vault to eu-nl, since 2026-11-24 13:00 CET" in looked
    assert "Reason" not in looked
    assert answer.redirect_chain == [(f"/replications/{active.pk}/", 303)]
    assert "Already started by oskar at 13:00." in text_of(answer)
    assert Replication.objects.get() == active


def test_key_of_another_replication_sends_nothing(client, oskar, vaults):
    elsewhere = a_replication_vault(name="another")
    other = a_replication(source=a_vault(name="other"), destination=elsewhere)
    client.force_login(oskar)

    answer = client.post(review_address(*vaults, key=other.key), {"reason": "Exercise"}, follow=True)

    assert answer.redirect_chain[0][1] == 302
    assert "This form was used before, for a replication to somewhere else. Nothing was sent" in text_of(
        answer
    )
    assert Replication.objects.get() == other


@pytest.mark.parametrize(
    "query",
    [
        "vault=x",
        "vault=%00&region=%00&project=%00&destination=%00",
        "typed_region=%00&typed_vault_id='%3B--",
        "vault=00000000-0000-0000-0000-000000000000",
        "region[]=1&key=%F0%9F",
        "key=00000000-0000-0000-0000-000000000000&vault=" + "9" * 500,
    ],
)
@pytest.mark.parametrize("name", ["replication-new", "destination-fields", "replication-review"])
def test_nonsense_in_the_address_gives_a_page(client, oskar, vaults, name, query):
    client.force_login(oskar)

    answer = client.get(f"{reverse(name)}?{query}", follow=True)

    assert answer.status_code == 200


def test_names_from_the_cloud_are_shown_as_text(client, oskar, db):
    payload = "\"><script>alert('1')</script>"
    source = a_vault(name=payload)
    destination = a_replication_vault(name=payload)
    a_backup(vault=source, name=payload, resource_name=payload)
    client.force_login(oskar)

    pages = [
        client.get(address).content.decode()
        for address in (f"{NEW}?vault={source.pk}", review_address(source, destination))
    ]

    assert [page.count("<script>alert") for page in pages] == [0, 0]
    assert [page.count("&lt;script&gt;alert") > 0 for page in pages] == [True, True]
