"""What every list can do: order by each column, pages that stay, chosen columns, the filter in words."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from replication.models import Replication, TablePreference, Vault
from replication.views.history import REPLICATIONS
from replication.views.lists import TABLES
from replication.views.vaults import VAULTS
from tests.builders import NOW, a_backup, a_project, a_replication, a_replication_vault, a_vault
from tests.views.site import text_of

LIST, VAULT_LIST = reverse("replication-list"), reverse("vault-list")


def neighbour(answer, rel):
    found = re.search(rf'rel="{rel}" href="(\?[^"]+)"', answer.content.decode())
    return found and answer.request["PATH_INFO"] + found[1].replace("&amp;", "&")


def walk(client, address, rel="next"):
    """Return the pages from here to the end."""
    answers = []
    while address:
        answers.append(client.get(address))
        address = neighbour(answers[-1], rel)
    return answers


def replications_of(answers):
    return [row.replication for answer in answers for row in answer.context["sheet"].rows]


@pytest.fixture
def crowd(oskar):
    """Sixty replications of few vaults, regions, statuses and moments, so that every order has ties."""
    sources = [a_vault(name=name) for name in ("vault-b", "vault-a", "vault-a")]
    targets = [
        a_replication_vault(name="one"),
        a_replication_vault(name="two", project=a_project("eu-ch2_x", cloud="x")),
    ]
    statuses = ("succeeded", "failed", "partial", "cancelled")
    return [
        a_replication(
            source=sources[number % 3],
            destination=targets[number % 2],
            status=statuses[number % 4],
            requested_at=NOW + timedelta(minutes=number // 4),
            changed_at=NOW + timedelta(minutes=number // 7),
        )
        for number in range(60)
    ]


SORTS = [f"{sign}{column.code}" for column in REPLICATIONS.columns if column.order for sign in ("", "-")]


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_shows_every_row_once_forwards_and_backwards(client, vera, crowd, sort):
    client.force_login(vera)

    forwards = walk(client, f"{LIST}?sort={sort}&size=25")
    backwards = walk(
        client, forwards[-1].request["PATH_INFO"] + "?" + forwards[-1].request["QUERY_STRING"], "prev"
    )

    expected = list(Replication.objects.order_by(*REPLICATIONS.order_of(sort).lookups))
    assert replications_of(forwards) == expected
    assert [len(answer.context["sheet"].rows) for answer in forwards] == [25, 25, 10]
    assert replications_of([backwards[-1]]) == expected[:25]


def test_descending_is_the_exact_reverse(client, vera, crowd):
    client.force_login(vera)

    assert (
        replications_of(walk(client, f"{LIST}?sort=-status"))
        == replications_of(walk(client, f"{LIST}?sort=status"))[::-1]
    )


@pytest.mark.parametrize("column", [column.code for column in VAULTS.columns if column.order])
def test_vaults_stand_in_the_order_of_each_column(client, vera, column):
    project = a_project()
    for number in range(30):
        vault = a_vault(
            name=f"vault-{number % 9}", project=project, used_mb=None if number % 5 == 0 else number % 4
        )
        if number % 3:
            a_replication(source=vault, status="failed", requested_at=NOW + timedelta(hours=number % 6))
    client.force_login(vera)

    up = [row.vault for page in walk(client, f"{VAULT_LIST}?sort={column}") for row in page.context["rows"]]
    down = [
        row.vault for page in walk(client, f"{VAULT_LIST}?sort=-{column}") for row in page.context["rows"]
    ]

    assert up == down[::-1]
    assert sorted(vault.pk for vault in up) == sorted(Vault.objects.values_list("pk", flat=True))


def test_new_rows_move_no_later_page(client, vera, crowd):
    client.force_login(vera)
    first = client.get(LIST)
    onward = neighbour(first, "next")
    before = replications_of([client.get(onward)])

    for minute in range(30):
        a_replication(source=a_vault(), status="failed", requested_at=NOW + timedelta(days=1, minutes=minute))

    assert replications_of([client.get(onward)]) == before


def test_later_page_stays_when_the_row_before_it_changes_its_place(client, vera, crowd):
    client.force_login(vera)
    first = client.get(f"{LIST}?sort=status")
    onward = neighbour(first, "next")
    before = replications_of([client.get(onward)])

    edge = replications_of([first])[-1]
    Replication.objects.filter(pk=edge.pk).update(status="succeeded")

    assert replications_of([client.get(onward)]) == before


def test_place_of_another_order_or_made_by_hand_is_the_first_page(client, vera, crowd):
    client.force_login(vera)
    by_time = re.search(r"before=([^&\"]+)", neighbour(client.get(LIST), "next"))[1]
    first = replications_of([client.get(f"{LIST}?sort=status")])

    for place in (by_time, by_time[:-1] + ("A" if by_time[-1] != "A" else "B"), str(uuid.uuid4()), "%00"):
        assert replications_of([client.get(f"{LIST}?sort=status&before={place}")]) == first


def heads_of(answer):
    return {
        (name, re.search(r'aria-sort="(\w+)"', attributes)[1] if "aria-sort" in attributes else ""): address
        for attributes, address, name in re.findall(
            r'<th scope="col"([^>]*)><a class="sort" href="(\?[^"]*)">([^<]+)<', answer.content.decode()
        )
    }


def test_headings_say_how_the_list_is_sorted_and_lead_to_the_other_orders(client, vera, crowd):
    client.force_login(vera)

    usual = heads_of(client.get(f"{LIST}?status=failed"))
    by_status = heads_of(client.get(f"{LIST}?sort=status"))

    assert usual == {
        ("Status", ""): "?status=failed&amp;sort=status",
        ("Replication", ""): "?status=failed&amp;sort=replication",
        ("Requested", "descending"): "?status=failed&amp;sort=requested",
    }
    assert by_status == {
        ("Status", "ascending"): "?sort=-status",
        ("Replication", ""): "?sort=replication",
        ("Requested", ""): "?sort=-requested",
    }


@pytest.mark.parametrize("sort", ["reason", "-backups", "x", "--status", "status,-id", "source_vault__name"])
def test_order_by_what_cannot_be_sorted_is_the_usual_one(client, vera, crowd, sort):
    client.force_login(vera)

    answer = client.get(LIST, {"sort": sort})

    assert replications_of([answer]) == replications_of([client.get(LIST)])
    assert 'aria-sort="descending"' in answer.content.decode()


def test_what_is_asked_for_stands_in_words_and_can_be_left_out_one_by_one(client, vera, crowd):
    client.force_login(vera)
    vault = Vault.objects.get(name="vault-b")

    answer = client.get(f"{LIST}?status=failed&vault={vault.pk}&q=vault&since=2026-11-01&sort=status&size=50")

    chips = {(chip.label, chip.value): chip.address for chip in answer.context["sheet"].chips}
    assert chips == {
        ("Search", "vault"): f"?status=failed&vault={vault.pk}&since=2026-11-01&sort=status&size=50",
        ("Status", "Failed"): f"?vault={vault.pk}&q=vault&since=2026-11-01&sort=status&size=50",
        (
            "Source vault",
            "eu-de / eu-de_production / vault-b",
        ): "?status=failed&q=vault&since=2026-11-01&sort=status&size=50",
        ("Since", "2026-11-01"): f"?status=failed&vault={vault.pk}&q=vault&sort=status&size=50",
    }
    assert "Leave out: Status Failed" in text_of(answer)
    assert "Clear all" in text_of(answer)


def test_columns_of_the_address_are_shown_and_kept_by_the_links(client, vera, crowd):
    client.force_login(vera)

    answer = client.get(f"{LIST}?columns=took,status,nonsense")

    assert [head.column.code for head in answer.context["sheet"].heads] == ["status", "replication", "took"]
    assert "columns=took%2Cstatus%2Cnonsense" in neighbour(answer, "next")
    assert [len(re.findall("<t[dh]", row)) for row in rows_of_table(answer)] == [3] * 25


def rows_of_table(answer):
    body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    return body.split("</tr>")[:-1]


@pytest.mark.parametrize("code", [code for code, table in TABLES.items() if table.page])
@pytest.mark.parametrize("who", ["vera", "oskar"])
def test_each_row_has_a_cell_for_each_column(client, request, crowd, code, who):
    client.force_login(request.getfixturevalue(who))
    table = TABLES[code]
    everything = ",".join(column.code for column in table.columns)

    answer = client.get(f"{reverse(table.page)}?columns={everything}")

    heads = len(re.findall('<th scope="col"', answer.content.decode()))
    assert heads >= len(table.columns)
    assert {len(re.findall(r"<t[dh][ >]", row)) for row in rows_of_table(answer)} == {heads}


def test_columns_are_kept_for_the_person_and_stand_in_the_address(client, vera, oskar, crowd):
    client.force_login(vera)

    answer = client.post(
        reverse("list-columns", args=["replications"]),
        {"column": ["took", "status", "x"], "next": f"{LIST}?status=failed&columns=reason"},
    )
    mine = client.get(f"{LIST}?status=failed").context["sheet"].shown
    client.force_login(oskar)
    others = client.get(LIST).context["sheet"].shown

    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}?status=failed&columns=status%2Ctook")
    assert mine == {"replication", "status", "took"}
    assert others == {"status", "replication", "reason", "backups", "requested"}


def test_usual_columns_come_back(client, vera, crowd):
    TablePreference.objects.create(user=vera, table="replications", columns="took")
    client.force_login(vera)

    answer = client.post(
        reverse("list-columns", args=["replications"]), {"usual": "1", "column": "took", "next": LIST}
    )

    assert answer["Location"] == f"{LIST}?everything=1"
    assert client.get(LIST).context["sheet"].shown == {
        "status",
        "replication",
        "reason",
        "backups",
        "requested",
    }


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/x", "//elsewhere.example", "javascript:x", ""]
)
def test_columns_never_lead_to_another_site(client, vera, elsewhere):
    client.force_login(vera)

    answer = client.post(reverse("list-columns", args=["vaults"]), {"next": elsewhere, "column": "used"})

    assert answer["Location"] == f"{VAULT_LIST}?columns=used"


def test_list_that_nobody_knows_is_not_found(client, vera):
    client.force_login(vera)

    answers = [
        client.post(reverse("list-columns", args=["servers"])),
        client.get(reverse("saved-view-list", args=["servers"])),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_search_finds_a_vault_by_the_id_of_its_project_and_of_a_backup_in_it(client, vera):
    vault = a_vault(name="wanted")
    a_vault(name="other", project=a_project("eu-de_other", cloud="other"))
    backup = a_backup(vault=vault)
    client.force_login(vera)

    found = [
        [row.vault.name for row in client.get(VAULT_LIST, {"q": text}).context["rows"]]
        for text in (backup.backup_id, vault.project.project_id, vault.vault_id)
    ]

    assert found == [["wanted"]] * 3
