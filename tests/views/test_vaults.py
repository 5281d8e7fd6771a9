"""The list of vaults, and one vault with its backups and replications."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import CloudReading, Vault
from tests.builders import (
    NOW,
    a_backup,
    a_project,
    a_record,
    a_replication,
    a_replication_vault,
    a_vault,
)
from tests.views.site import text_of


@pytest.fixture
def company(db):
    """Vaults of each kind."""
    orders = a_vault(name="vault-orders-db")
    for _number in range(3):
        a_backup(vault=orders)
    a_backup(vault=orders, vanished_at=NOW)
    return {
        "orders": orders,
        "gitlab": a_vault(
            name="vault-gitlab", status="lock", project=a_project("eu-de_internal", cloud="internal")
        ),
        "empty": a_vault(name="vault-intranet"),
        "recovery": a_replication_vault(name="replica-production"),
        "full": a_replication_vault(name="replica-full", size_gb=10, used_mb=10 * 1024),
    }


def names(answer):
    return [row.vault.name for row in answer.context["rows"]]


def test_vaults_stand_by_region_project_and_name(client, vera, company):
    client.force_login(vera)

    answer = client.get(reverse("vault-list"))

    rows = [
        (row.vault.name, row.backups, str(row.obstacle.text) if row.obstacle else "")
        for row in answer.context["rows"]
    ]
    assert rows == [
        ("vault-gitlab", 0, "Its status is “lock”, not “available”."),
        ("vault-intranet", 0, "It has no backups."),
        ("vault-orders-db", 3, ""),
        ("replica-full", 0, "It is full."),
        ("replica-production", 0, ""),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ORDERS", ["vault-orders-db"]),
        ("q={orders_id}", ["vault-orders-db"]),
        ("purpose=sources", ["vault-gitlab", "vault-intranet", "vault-orders-db"]),
        ("purpose=destinations", ["replica-full", "replica-production"]),
        ("region=eu-nl", ["replica-full", "replica-production"]),
        ("project={internal}", ["vault-gitlab"]),
        ("region=eu-de&purpose=destinations", []),
    ],
)
def test_filter_narrows_the_list(client, vera, company, query, found):
    client.force_login(vera)
    query = query.format(
        orders_id=company["orders"].vault_id[:13], internal=company["gitlab"].project.project_id
    )

    answer = client.get(f"{reverse('vault-list')}?{query}")

    assert names(answer) == found
    assert "Clear" in text_of(answer)


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "page=99999",
        "page=x",
        "page=%00",
        "region=nowhere",
        "region=%00",
        "project=12",
        "project=%00",
        "purpose=fun",
        "q=%00",
        "q=" + "x" * 300,
        "q=%F0%9F%92%A3",
        "unknown=1",
        "region[]=eu-de",
    ],
)
def test_nonsense_in_the_address_is_left_out(client, vera, company, query):
    client.force_login(vera)

    answer = client.get(f"{reverse('vault-list')}?{query}")

    assert answer.status_code == 200
    assert len(names(answer)) in {0, 5}


def test_filter_that_is_not_understood_says_so_and_can_be_cleared(client, vera, company):
    client.force_login(vera)

    page = text_of(client.get(f"{reverse('vault-list')}?purpose=fun"))

    assert "Not understood, so it is left out." in page
    assert "Clear" in page


def test_last_replication_of_each_vault_is_the_newest_from_or_into_it(client, vera, company):
    old = a_replication(source=company["orders"], destination=company["recovery"], status="failed")
    new = a_replication(
        source=company["orders"],
        destination=company["recovery"],
        status="succeeded",
        requested_at=NOW + timedelta(hours=1),
    )
    a_record(replication=new, status="succeeded", arrived_at=NOW)
    client.force_login(vera)

    rows = client.get(reverse("vault-list")).context["rows"]

    last = {row.vault.name: (row.last.replication, row.last.arrived) for row in rows if row.last}
    assert last == {"vault-orders-db": (new, 1), "replica-production": (new, 1)}
    assert old != new


@pytest.mark.parametrize(("who", "offered"), [("oskar", 1), ("vera", 0), ("anna", 0), ("adam", 0)])
def test_only_operators_get_a_button_and_only_for_fit_vaults(client, request, company, who, offered):
    client.force_login(request.getfixturevalue(who))

    page = client.get(reverse("vault-list")).content.decode()

    links = re.findall(r'href="(/replications/new/\?vault=[^"]+)"', page)
    assert links == [f"/replications/new/?vault={company['orders'].pk}"] * offered


def test_long_list_is_cut_into_pages_that_keep_the_filter(client, vera, db):
    project = a_project()
    for number in range(51):
        a_vault(name=f"vault-{number:02}", project=project)
    client.force_login(vera)

    first = client.get(f"{reverse('vault-list')}?q=vault&size=50")
    [onward] = re.findall(r'rel="next" href="(\?q=vault[^"]+)"', first.content.decode())
    second = client.get(reverse("vault-list") + onward.replace("&amp;", "&"))
    [back] = re.findall(r'rel="prev" href="(\?q=vault[^"]+)"', second.content.decode())
    again = client.get(reverse("vault-list") + back.replace("&amp;", "&"))

    assert (len(names(first)), names(second)) == (50, ["vault-50"])
    assert names(again) == names(first)


def test_empty_list_tells_why_it_is_empty(client, vera, db):
    client.force_login(vera)

    def page(query=""):
        return text_of(client.get(reverse("vault-list") + query))

    nothing = page()
    reading = CloudReading.objects.create(cloud="production", refresh_after=timezone.now())
    pending = page()
    CloudReading.objects.update(error="no route")
    broken = page()
    reading.read_at = timezone.now()
    reading.save()
    read = page()
    a_vault()
    filtered = page("?q=nothing-like-it")

    assert "No cloud account is connected yet" in nothing
    assert "The cloud is being read for the first time" in pending
    assert "The cloud could not be read yet Whether there are vaults is not known." in broken
    assert "There are no vaults The accounts were read to the end" in read
    assert "No vault fits this filter Show all" in filtered


def test_source_vault_shows_what_it_holds_and_where_its_backups_went(client, oskar, company):
    orders = company["orders"]
    backup, another = orders.backups.present()[:2]
    replication = a_replication(source=orders, destination=company["recovery"], status="succeeded")
    a_record(replication=replication, backup_id=backup.backup_id, status="succeeded", arrived_at=NOW)
    a_record(replication=replication, backup_id=another.backup_id, status="failed")
    client.force_login(oskar)

    answer = client.get(reverse("vault-detail", args=[orders.pk]))

    page = text_of(answer)
    assert (
        f'data-copy="{orders.vault_id}" aria-label="Copy vault ID {orders.vault_id}"'
        in answer.content.decode()
    )
    assert "Used 400 GB of 1,000 GB Free 600 GB" in page
    assert "3 backups" in page
    assert [len(row.replicas) for row in answer.context["backups"]].count(1) == 1
    assert [row.replication for row in answer.context["replications"]] == [replication]
    assert f'href="/replications/new/?vault={orders.pk}"' in answer.content.decode()


def test_cloud_that_tells_where_backups_went_is_believed(client, vera, company):
    orders = company["orders"]
    orders.backups.update(replicated_to=["eu-ch2"])
    client.force_login(vera)

    page = text_of(client.get(reverse("vault-detail", args=[orders.pk])))

    assert page.count("eu-ch2") == 3


def test_replication_vault_shows_what_came_in(client, oskar, company):
    replication = a_replication(source=company["orders"], destination=company["recovery"], status="running")
    client.force_login(oskar)

    answer = client.get(reverse("vault-detail", args=[company["recovery"].pk]))

    page = text_of(answer)
    assert [row.replication for row in answer.context["replications"]] == [replication]
    assert "Replication vault: receives replicas from other regions." in page
    assert "Replications into this vault" in page
    assert "No replica has arrived in this vault." in page
    assert "resources" not in page
    assert "/replications/new/?vault" not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "gitlab",
            (
                "It cannot be replicated. Its status is “lock”, not “available”. "
                "The cloud would answer BackupService.6112."
            ),
        ),
        ("empty", "It cannot be replicated. It has no backups. The cloud would answer BackupService.0001."),
        (
            "full",
            "It cannot receive replicas at the moment. It is full. The cloud would answer BackupService.6129.",
        ),
    ],
)
def test_unfit_vault_says_why_and_offers_no_replication(client, oskar, company, name, told):
    client.force_login(oskar)

    answer = client.get(reverse("vault-detail", args=[company[name].pk]))

    assert told in text_of(answer)
    assert "Replicate this vault" not in text_of(answer)


def test_vanished_vault_is_kept_and_said_to_be_gone(client, oskar, company):
    Vault.objects.filter(pk=company["orders"].pk).update(vanished_at=timezone.now() - timedelta(days=2))
    client.force_login(oskar)

    listed = client.get(reverse("vault-list")).content.decode()
    page = text_of(client.get(reverse("vault-detail", args=[company["orders"].pk])))

    assert '<tr class="gone">' in listed
    assert "The cloud no longer lists this vault." in page
    assert "first missed: 2 days ago" in page


@pytest.mark.parametrize("query", ["?page=0", "?page=x", "?page=77", "?page=%00"])
def test_nonsense_page_of_backups_is_the_nearest_one(client, vera, company, query):
    client.force_login(vera)

    answer = client.get(reverse("vault-detail", args=[company["orders"].pk]) + query)

    assert (answer.status_code, len(answer.context["backups"])) == (200, 3)


def test_names_from_the_cloud_are_shown_as_text(client, oskar, db):
    payload = "\"><script>alert('1')</script>"
    vault = a_vault(name=payload, description=payload, status=payload[:20])
    a_backup(vault=vault, name=payload, resource_name=payload, status="<b>odd")
    client.force_login(oskar)

    pages = [
        client.get(reverse(name, args=args)).content.decode()
        for name, args in (("vault-list", []), ("vault-detail", [vault.pk]))
    ]

    assert [("<script>alert" in page, "<b>odd" in page) for page in pages] == [(False, False)] * 2
    assert all("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;" in page for page in pages)
