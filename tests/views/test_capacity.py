"""The page of capacity: every replication vault, the fullest first, with a picture and the same in words."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import CloudReading, Vault
from tests.builders import a_day, a_replication_vault, a_vault
from tests.views.site import text_of

GB = 1024


@pytest.fixture
def now(db):
    return timezone.now()


def a_growing_vault(now, *, days, **fields):
    vault = a_replication_vault(**{"seen_at": now, "used_mb": 400 * GB, **fields})
    for ago in range(days):
        a_day(
            vault=vault,
            day=(now - timedelta(days=ago)).date(),
            used_mb=vault.used_mb - ago * 10 * GB,
            read_at=now,
        )
    CloudReading.objects.update(read_at=now)
    return vault


def look(client, person):
    client.force_login(person)
    return client.get(reverse("capacity"))


def test_vaults_stand_by_how_full_they_are_and_those_that_do_not_tell_first(client, vera, now):
    for name, fields in {
        "half": {"used_mb": 500 * GB},
        "silent": {"used_mb": None},
        "full": {"used_mb": 1000 * GB},
        "gone": {"vanished_at": now},
    }.items():
        a_replication_vault(name=name, seen_at=now, **fields)
    a_vault(name="a source", seen_at=now)

    rows = look(client, vera).context["rows"]

    assert [(row.vault.name, row.forecast.outlook.value) for row in rows] == [
        ("silent", "unknown"),
        ("full", "full"),
        ("half", "unknown"),
    ]


def test_growth_and_the_day_on_which_it_is_full_are_said(client, vera, now):
    a_growing_vault(now, days=10)

    text = text_of(look(client, vera))

    assert "Fills up later" in text
    assert "+10 GB a day" in text
    assert f"Full on {(now + timedelta(days=60)).date().isoformat()} at this pace, in 60 days." in text
    assert "Does not expand by itself." in text


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (1, "No forecast yet: it needs 7 days with a reading, and there is 1."),
        (6, "No forecast yet: it needs 7 days with a reading, and there are 6."),
    ],
)
def test_too_few_days_are_said_and_nothing_is_green(client, vera, now, days, words):
    a_growing_vault(now, days=days)

    answer = look(client, vera)

    assert words in text_of(answer)
    assert "status-done" not in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"used_mb": None}, "The cloud does not tell its size or its use."),
        ({"seen_at": timedelta(days=-3)}, "It was not read for more than two days."),
        ({"auto_expand": None}, "The cloud does not tell whether it expands by itself."),
        ({"auto_expand": True}, "Expands by itself when full."),
    ],
)
def test_what_is_not_known_is_said(client, vera, now, fields, words):
    if "seen_at" in fields:
        fields = {"seen_at": now + fields["seen_at"]}
    vault = a_replication_vault(**{"seen_at": now, **fields})
    for ago in range(10):
        a_day(vault=vault, day=(now - timedelta(days=ago)).date())

    answer = look(client, vera)

    assert words in text_of(answer)
    assert ("status-done" in answer.content.decode()) == ("auto_expand" in fields)


def test_picture_is_drawn_here_has_words_and_leaves_gaps_where_nothing_was_read(client, vera, now):
    vault = a_growing_vault(now, days=12)
    vault.days.filter(day=(now - timedelta(days=5)).date()).delete()

    page = look(client, vera).content.decode()

    [picture] = re.findall(r'<svg class="picture".*?</svg>', page)
    lines = re.findall(r'<polyline class="([\w-]+)" points="[\d., ]+">', picture)
    assert sorted(lines) == ["picture-ahead", *["picture-size"] * 2, *["picture-used"] * 2]
    assert "style=" not in picture
    assert re.search(r'aria-label="From \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d: [\d.,]+\sGB at first, ', picture)


def test_vault_page_has_the_picture_and_the_same_as_a_table(client, vera, now):
    vault = a_growing_vault(now, days=8)
    client.force_login(vera)

    answer = client.get(reverse("vault-detail", args=[vault.pk]))

    page = answer.content.decode()
    table = page.partition("The same as a table")[2].partition("</table>")[0]
    found = re.findall(
        r'<th scope="row" class="nowrap">([\d-]+)</th><td class="number nowrap">([^<]+)</td>', table
    )
    assert [(day, used.replace("\xa0", " ")) for day, used in found] == [
        ((now - timedelta(days=ago)).date().isoformat(), f"{400 - 10 * ago} GB") for ago in range(8)
    ]
    assert page.count('<svg class="picture"') == 1


def test_source_vault_has_no_picture(client, vera, now):
    client.force_login(vera)

    answer = client.get(reverse("vault-detail", args=[a_vault().pk]))

    assert '<svg class="picture"' not in answer.content.decode()


def test_without_replication_vaults_the_page_says_why_it_is_empty(client, vera, now):
    never = text_of(look(client, vera))
    a_vault()
    CloudReading.objects.update(read_at=now)
    none = text_of(look(client, vera))
    CloudReading.objects.update(error="No answer.")
    failed = text_of(look(client, vera))

    assert "The cloud is being read for the first time" in never
    assert "There are no replication vaults" in none
    assert "The cloud could not be read yet" in failed
    assert Vault.objects.count() == 1
