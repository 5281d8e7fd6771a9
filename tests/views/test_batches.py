"""Choosing many vaults, one last look at all of them, the request, and the page on which they are followed."""

import html
import re
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import AuditEntry, Batch, Replication
from replication.views import batch_new, selecting
from tests.builders import (
    NOW,
    a_backup,
    a_batch,
    a_project,
    a_record,
    a_replication,
    a_replication_vault,
    a_vault,
)
from tests.views.site import batch_review_address, text_of

REASON = "Before the maintenance window"


@pytest.fixture
def company(db):
    """Three fit vaults, one that is locked, one that is empty, and where they go."""
    fit = [a_vault(name=f"vault-{number}") for number in range(3)]
    for vault in fit:
        a_backup(vault=vault, resource_size_gb=40)
    return {
        "fit": fit,
        "locked": a_vault(name="vault-locked", status="lock"),
        "empty": a_vault(name="vault-empty"),
        "recovery": a_replication_vault(name="replica-production"),
    }


def hidden(page, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page).group(1))


def button(page):
    return " ".join(re.search(r"data-once>.*?<span>(.*?)</span>", page, re.DOTALL).group(1).split()).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def confirm(client, address, reason=REASON):
    page = client.get(address).content.decode()
    return client.post(address, {"reason": reason, "seen": hidden(page, "seen")})


def polls_of(page):
    return [html.unescape(found) for found in re.findall(r'data-poll hx-get="([^"]+)"', page)]


# Choosing


def test_list_of_vaults_offers_a_box_for_each_source_and_all_that_fit_the_filter(client, oskar, company):
    client.force_login(oskar)

    page = client.get(f"{reverse('vault-list')}?q=vault-").content.decode()

    boxes = re.findall(r'type="checkbox"[^>]*name="vault" value="([^"]+)"', page)
    sources = [*company["fit"], company["locked"], company["empty"]]
    assert sorted(boxes) == sorted(vault.pk.hex for vault in sources)
    assert (
        'href="/batches/new/?matching=q%3Dvault-">Replicate all 5 source vaults that fit the filter</a>'
        in page
    )
    assert '<form method="get" action="/batches/new/">' in page


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
def test_others_are_offered_neither(client, request, company, who):
    client.force_login(request.getfixturevalue(who))

    page = client.get(reverse("vault-list")).content.decode()

    assert ('name="vault"' in page, "/batches/new/" in page, "data-tick-all" in page) == (False,) * 3


def test_ticked_vaults_are_carried_on_in_one_field(client, oskar, company):
    client.force_login(oskar)
    ticked = company["fit"][:2]

    answer = client.get(reverse("batch-new"), {"vault": [vault.pk for vault in ticked]})

    page = answer.content.decode()
    assert hidden(page, "vaults").split(".") == sorted(vault.pk.hex for vault in ticked)
    assert "2 vaults , ticked in the list." in text_of(answer)
    assert 'hx-get="/batches/new/destination/"' in page


def test_all_boxes_of_the_longest_page_fit_into_one_address_and_into_the_limit_of_fields(client, oskar, db):
    for number in range(100):
        a_vault(name=f"vault-{number:03}")
    client.force_login(oskar)
    listed = client.get(f"{reverse('vault-list')}?size=100").content.decode()
    ticked = re.findall(r'name="vault" value="([^"]+)"', listed)

    address = f"{reverse('batch-new')}?{urlencode([('vault', value) for value in ticked])}"
    answer = client.get(address)

    # gunicorn refuses a first line of more than 4094 bytes.
    assert len(f"GET {address} HTTP/1.1") < 4094
    assert len(answer.context["selection"].vaults) == 100
    assert len(f"GET {reverse('batch-review')}?vaults={hidden(answer.content.decode(), 'vaults')}") < 3500


def test_filter_is_carried_on_as_it_is(client, oskar, company):
    client.force_login(oskar)

    answer = client.get(reverse("batch-new"), {"matching": "q=vault-&purpose=sources"})

    assert hidden(answer.content.decode(), "matching") == "q=vault-&purpose=sources"
    assert "5 vaults , chosen by the filter of the list." in text_of(answer)


def test_nothing_ticked_says_so_and_leads_back(client, oskar, company):
    client.force_login(oskar)

    assert "No vault is chosen Tick vaults in the list" in text_of(client.get(reverse("batch-new")))


def test_vault_that_is_gone_from_the_inventory_is_told(client, oskar, company):
    client.force_login(oskar)

    page = text_of(client.get(reverse("batch-new"), {"vault": [company["fit"][0].pk, uuid.uuid4()]}))

    assert "1 of the chosen vaults is not in the inventory any more." in page


def test_destination_is_unfit_only_where_no_chosen_vault_can_go(client, oskar, company):
    disk = a_vault(name="vault-disks", object_type="disk")
    media = a_replication_vault(name="replica-media", object_type="turbo")
    client.force_login(oskar)

    form = client.get(
        reverse("batch-new"),
        {"vault": [company["fit"][0].pk, disk.pk], "region": "eu-nl", "project": media.project.pk},
    ).context["form"]

    regions = {choice.name: bool(choice.reason) for choice in form.choices.regions.choices}
    targets = {choice.name: str(choice.reason) for choice in form.choices.destinations.choices}
    assert regions == {"eu-de": True, "eu-nl": False}
    assert targets == {
        "replica-media": "It takes backups of type “turbo”, the source vault holds type “server”.",
        "replica-production": "",
    }


def test_change_of_a_choice_keeps_the_vaults_in_the_address(client, oskar, company):
    client.force_login(oskar)
    ids = ".".join(vault.pk.hex for vault in company["fit"])

    answer = client.get(reverse("batch-destination-fields"), {"vaults": ids, "region": "eu-nl"})

    sent = sorted(ids.split("."))
    assert answer["HX-Replace-Url"] == f"/batches/new/?vaults={'.'.join(sent)}&region=eu-nl"
    assert answer.content.decode().count("<select") == 3


@pytest.mark.parametrize(
    "query",
    [
        "vault=x&vault=%00",
        "vaults=....x",
        "vaults=" + "a" * 999,
        "matching=%00&region=%00",
        "matching=q%3D%2500%26region%3Dnowhere",
        "vault[]=1",
        "vaults=&typed_region=%C3%BC",
    ],
)
@pytest.mark.parametrize("name", ["batch-new", "batch-review", "batch-destination-fields"])
def test_nonsense_in_the_address_gives_a_page(client, oskar, company, name, query):
    client.force_login(oskar)

    answer = client.get(f"{reverse(name)}?{query}", follow=True)

    assert answer.status_code == 200
    assert Batch.objects.count() == 0


# The last look


def test_last_look_tells_of_each_vault_what_would_happen_and_the_sums(client, oskar, company):
    client.force_login(oskar)
    chosen = [*company["fit"], company["locked"], company["empty"]]
    a_replication(source=company["fit"][2], destination=company["recovery"], status="running")

    answer = client.get(batch_review_address(chosen, company["recovery"]))

    page = text_of(answer)
    reference = Replication.objects.get().reference
    assert "Would be replicated 2 vaults, 2 backups, 80 GB" in page
    assert "3 vaults are left out" in page
    assert "vault-locked eu-de eu-de_production Left out Its status is “lock”, not “available”." in page
    assert "vault-empty eu-de eu-de_production Left out The vault has no backups." in page
    assert f"It is being replicated to eu-nl already: replication {reference}, requested by oskar." in page
    assert button(answer.content.decode()) == "Replicate 2 vaults, 2 backups (80 GB) to eu-nl"
    assert "Once sent, none of them can be stopped." in page
    assert "No policy lets these replicas expire: somebody has to delete them." in page


def test_backups_that_somebody_copies_already_are_told_and_not_counted(client, oskar, company):
    copied = a_backup(vault=company["fit"][0], replicated_to=["eu-nl"], copying_to=["eu-nl"])
    client.force_login(oskar)

    answer = client.get(batch_review_address(company["fit"], company["recovery"]))

    [candidate] = [one for one in answer.context["plan"].going if one.vault == copied.vault]
    assert [one.backup for one in candidate.forecast.being_copied] == [copied]
    assert "1 on its way" in text_of(answer)
    assert button(answer.content.decode()) == "Replicate 3 vaults, 3 backups (120 GB) to eu-nl"


def test_unknown_sizes_are_not_taken_for_nothing(client, oskar, company):
    a_backup(vault=company["fit"][0], resource_size_gb=None)
    client.force_login(oskar)

    answer = client.get(batch_review_address(company["fit"], company["recovery"]))

    assert "120 GB and 1 backup of unknown size" in text_of(answer)
    assert button(answer.content.decode()) == "Replicate 3 vaults, 4 backups (at least 120 GB) to eu-nl"


def test_room_is_held_against_the_sum(client, oskar, company):
    # 600 GB free, each vault alone fits.
    for vault in company["fit"]:
        a_backup(vault=vault, resource_size_gb=300)
    client.force_login(oskar)

    page = text_of(client.get(batch_review_address(company["fit"], company["recovery"])))

    assert (
        "The destination vault has 600 GB left; the servers behind all these backups have 1020 GB of disks together."
        in page
    )


def test_where_nothing_can_go_no_button_is_offered(client, oskar, company):
    client.force_login(oskar)

    answer = client.get(batch_review_address([company["locked"]], company["recovery"]))

    assert "None of these vaults can be replicated there now." in text_of(answer)
    assert "data-once" not in answer.content.decode()


# The request


def test_confirming_makes_the_batch_and_leads_to_its_page(client, oskar, company):
    client.force_login(oskar)
    address = batch_review_address([*company["fit"], company["locked"]], company["recovery"])

    answer = confirm(client, address)

    batch = Batch.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/batches/{batch.pk}/")
    assert (batch.reason, batch.actor, batch.replications.count()) == (REASON, oskar, 3)
    assert [told["name"] for told in batch.left_out] == ["vault-locked"]
    page = text_of(client.get(answer["Location"]))
    assert "Requested. This page shows what becomes of each of them." in page
    assert "0 of 3 replications are over." in page
    assert "1 vault was left out" in page
    assert "vault-locked eu-de / eu-de_production Its status is “lock”, not “available”." in page


def test_second_click_leads_to_the_same_batch(client, oskar, company):
    client.force_login(oskar)
    address = batch_review_address(company["fit"], company["recovery"])
    seen = hidden(client.get(address).content.decode(), "seen")

    first, second = (client.post(address, {"reason": REASON, "seen": seen}) for _click in range(2))
    again = text_of(client.get(address))

    assert first["Location"] == second["Location"]
    assert (Batch.objects.count(), Replication.objects.count()) == (1, 3)
    assert "This was already requested by oskar" in again
    assert "Go to the batch" in again


def test_reason_is_needed_and_what_was_shown_is_kept(client, oskar, company):
    client.force_login(oskar)
    address = batch_review_address(company["fit"], company["recovery"])

    answer = confirm(client, address, reason=" ")

    assert "Say why, in at least three characters." in text_of(answer)
    assert len(answer.context["look"].seen.split(".")) == 3
    assert Batch.objects.count() == 0


def test_something_else_than_was_seen_is_shown_again_instead_of_sent(client, oskar, company):
    client.force_login(oskar)
    address = batch_review_address(company["fit"], company["recovery"])
    seen = hidden(client.get(address).content.decode(), "seen")
    a_backup(vault=company["fit"][0], resource_size_gb=40)

    answer = client.post(address, {"reason": REASON, "seen": seen})

    assert "Nothing was sent: what would happen has changed since you looked." in text_of(answer)
    assert button(answer.content.decode()) == "Replicate 3 vaults, 4 backups (160 GB) to eu-nl"
    assert REASON in answer.content.decode()
    assert Batch.objects.count() == 0


def test_vault_that_the_filter_finds_meanwhile_is_not_sent_along(client, oskar, company):
    client.force_login(oskar)
    address = batch_review_address(company["fit"], company["recovery"]).replace("vaults=", "x=")
    address += "&matching=q%3Dvault-"
    seen = hidden(client.get(address).content.decode(), "seen")
    late = a_vault(name="vault-late")
    a_backup(vault=late)

    client.post(address, {"reason": REASON, "seen": seen})

    assert sorted(one.source_vault.name for one in Batch.objects.get().replications.all()) == [
        "vault-0",
        "vault-1",
        "vault-2",
    ]


def test_form_that_was_made_up_makes_nothing(client, oskar, company):
    client.force_login(oskar)
    address = batch_review_address(company["fit"], company["recovery"])

    for seen in ("", "x", "a" * 40, f"{uuid.uuid4().hex}-01234567", company["fit"][0].pk.hex):
        answer = client.post(address, {"reason": REASON, "seen": seen})
        assert answer.status_code == 200

    assert Batch.objects.count() == 0


def test_312_vaults_are_chosen_by_filter_and_sent_in_one_form(client, oskar, company):
    project = a_project("eu-de_branches", cloud="sandbox-branches")
    for number in range(312):
        a_backup(vault=a_vault(name=f"branch-{number:03}", project=project), resource_size_gb=2)
    client.force_login(oskar)

    listed = client.get(f"{reverse('vault-list')}?q=branch").content.decode()
    matching = re.search(r'href="/batches/new/\?matching=([^"]+)"', listed).group(1)
    address = batch_review_address([], company["recovery"]).replace("vaults=&", "")
    answer = confirm(client, f"{address}&matching={matching}")

    assert ">Replicate all 312 source vaults that fit the filter</a>" in listed
    assert answer.status_code == 303
    assert Batch.objects.get().replications.count() == 312
    assert AuditEntry.objects.get(action="batch.requested").details["replications"] == 312
    page = client.get(answer["Location"])
    assert len(page.context["snapshot"].lines) == 312


def test_more_vaults_than_a_batch_takes_are_refused_with_the_number(client, oskar, company, monkeypatch):
    for module in (batch_new, selecting):
        monkeypatch.setattr(module, "MOST_VAULTS", 2)
    client.force_login(oskar)

    answer = client.get(batch_review_address(company["fit"], company["recovery"]), follow=True)

    assert "More than 2 vaults are chosen, which is the most for one batch." in text_of(answer)


# The page of a batch


@pytest.fixture
def batch(company):
    batch = a_batch(reason=REASON)
    now = timezone.now()
    for name, fields in {
        "done": {"status": "succeeded"},
        "waiting": {},
        "running": {"status": "running"},
        "refused": {
            "status": "rejected",
            "error_code": "BackupService.6129",
            "error_message": "No room.",
        },
        "unclear": {"status": "unconfirmed"},
    }.items():
        vault = a_vault(name=name)
        one = a_replication(
            source=vault, destination=company["recovery"], batch=batch, changed_at=now, **fields
        )
        if name in {"done", "running"}:
            a_record(replication=one, status="succeeded")
    return batch


def test_page_tells_what_needs_a_look_first_and_why_others_wait(client, vera, batch, settings):
    settings.REPLICATION_REGION_LIMIT = 2
    client.force_login(vera)

    answer = client.get(reverse("batch-detail", args=[batch.pk]))

    lines = answer.context["snapshot"].lines
    told = [
        (line.row.replication.source_vault.name, line.row.replication.status, line.wait) for line in lines
    ]
    assert told == [
        ("refused", "rejected", ""),
        ("unclear", "unconfirmed", ""),
        ("running", "running", ""),
        ("waiting", "requested", "Waits: 2 of at most 2 replications to eu-nl are under way."),
        ("done", "succeeded", ""),
    ]
    page = text_of(answer)
    assert "2 of 5 replications are over. 2 need attention." in page
    assert "BackupService.6129 No room." in page
    assert "Refused by the cloud 1 Unclear, being reconciled 1 Running 1 Queued 1 Succeeded 1" in page


def test_page_has_one_poller_that_answers_only_news_and_ends_by_itself(client, vera, batch, settings):
    settings.REPLICATION_REGION_LIMIT = 2
    client.force_login(vera)
    [poll] = polls_of(client.get(reverse("batch-detail", args=[batch.pk])).content.decode())

    unchanged = client.get(poll)
    # Nothing of the batch changes, only what one of it waits for.
    settings.REPLICATION_REGION_LIMIT = 3
    news = client.get(poll)
    Replication.objects.filter(batch=batch).exclude(status__in=["rejected", "succeeded"]).update(
        status="cancelled", finished_at=NOW, check_after=None
    )
    last = client.get(poll)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert (news.status_code, b'id="progress"' in news.content, b"<html" in news.content) == (
        200,
        True,
        False,
    )
    assert "A worker sends it within seconds." in news.content.decode()
    assert (last.status_code, polls_of(last.content.decode())) == (200, [])
    assert 'data-announcement="5 of 5 replications are over. 1 needs attention."' in last.content.decode()


def test_page_shows_the_same_as_a_command_but_not_for_what_tries_single_backups_again(client, vera, batch):
    client.force_login(vera)
    again = a_batch(retry_of=batch.replications.get(status="rejected"))
    a_replication(source=a_vault(name="again"), batch=again)

    page = client.get(reverse("batch-detail", args=[batch.pk])).content.decode()
    of_single = client.get(reverse("batch-detail", args=[again.pk])).content.decode()

    command = html.unescape(re.search(r'<pre id="command-1">(.*?)</pre>', page, re.DOTALL).group(1))
    assert all(one.vault_id in command for one in batch.replications.all())
    assert "$OS_TOKEN has to be a token for it." in command
    assert "command-1" not in of_single


def test_replication_leads_to_its_batch_and_the_lists_to_both(client, vera, batch):
    client.force_login(vera)
    one = batch.replications.first()

    page = client.get(reverse("replication-detail", args=[one.pk])).content.decode()
    listed = client.get(reverse("replication-list")).content.decode()
    batches = text_of(client.get(reverse("batch-list")))

    assert f'href="/batches/{batch.pk}/">{batch.reference}</a>' in page
    assert 'href="/batches/"' in listed
    assert f"{batch.reference} 5 replications {REASON} oskar" in batches


def test_replication_alone_names_no_batch(client, vera, company):
    one = a_replication(source=company["fit"][0], destination=company["recovery"])
    client.force_login(vera)

    assert "Batch" not in text_of(client.get(reverse("replication-detail", args=[one.pk])))


def test_batch_that_tries_again_leads_to_what_it_tries(client, vera, batch):
    first = batch.replications.get(status="rejected")
    again = a_batch(retry_of=first)
    client.force_login(vera)

    page = client.get(reverse("batch-detail", args=[again.pk])).content.decode()

    assert f'href="/replications/{first.pk}/">{first.reference}</a>' in page


def test_list_of_no_batches_says_how_to_make_one(client, vera):
    client.force_login(vera)

    assert "Nothing was requested together yet" in text_of(client.get(reverse("batch-list")))


def test_list_is_cut_into_pages_the_newest_first(client, vera):
    made = [a_batch(created_at=NOW + timedelta(minutes=minute)) for minute in range(27)]
    client.force_login(vera)

    first = client.get(reverse("batch-list"))
    second = client.get(f"{reverse('batch-list')}?page=2")

    assert [row.batch for row in first.context["rows"]] == made[:1:-1]
    assert [row.batch for row in second.context["rows"]] == made[1::-1]


def test_names_and_reasons_are_shown_as_text(client, oskar, company):
    payload = "\"><script>alert('1')</script>"
    vault = a_vault(name=payload)
    a_backup(vault=vault)
    batch = a_batch(
        reason=payload,
        left_out=[
            {"vault": str(vault.pk), "name": payload, "project": payload, "reason": payload, "code": payload}
        ],
    )
    a_replication(
        source=vault,
        destination=company["recovery"],
        batch=batch,
        status="rejected",
        error_code=payload[:60],
        error_message=payload,
    )
    client.force_login(oskar)

    pages = [
        client.get(address).content.decode()
        for address in (
            reverse("batch-detail", args=[batch.pk]),
            reverse("batch-list"),
            f"{reverse('batch-new')}?vault={vault.pk}",
            batch_review_address([vault], company["recovery"]),
        )
    ]

    assert ["<script>alert" in page for page in pages] == [False] * 4
    assert ["&lt;script&gt;alert(&#x27;1&#x27;)" in page for page in pages] == [True] * 4
