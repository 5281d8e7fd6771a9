"""How a person sees the pages: language, time zone and colours, kept with the account and taken from the browser."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from replication.models import AuditEntry, Preferences
from tests.builders import a_replication, a_replication_vault, a_vault
from tests.views.site import text_of

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def chosen(user):
    return Preferences.objects.filter(user=user).values_list("language", "time_zone", "theme").first()


def language_of(answer):
    return re.search(r'<html lang="([^"]+)"', answer.content.decode())[1]


def theme_of(answer):
    return re.search(r'data-theme="([^"]+)"', answer.content.decode())[1]


@pytest.fixture
def replication(oskar):
    return a_replication(source=a_vault(), destination=a_replication_vault(), actor=oskar, requested_at=NOON)


def times_of(client, replication):
    answer = client.get(reverse("replication-detail", args=[replication.pk]))
    return re.findall(
        r'<time datetime="2026-07-01T12:00:00\+00:00" title="([^"]*)">([^<]*)<', answer.content.decode()
    )[0]


def test_what_is_chosen_is_kept_and_seen_at_once(client, vera):
    client.force_login(vera)

    answer = client.post(
        "/preferences/", {"language": "de", "time_zone": "Asia/Tokyo", "theme": "dark"}, follow=True
    )

    assert chosen(vera) == ("de", "Asia/Tokyo", "dark")
    assert (answer.redirect_chain, language_of(answer), theme_of(answer)) == (
        [("/preferences/", 303)],
        "de",
        "dark",
    )
    assert "Gespeichert. Es gilt in jedem Browser, in dem Sie sich anmelden." in text_of(answer)
    assert AuditEntry.objects.count() == 0


def test_what_is_chosen_holds_in_another_browser_whatever_that_asks_for(vera):
    Preferences.objects.create(user=vera, language="de", theme="dark")
    other = Client(headers={"Accept-Language": "en"})
    other.cookies["theme"] = "light"
    other.force_login(vera)

    answer = other.get("/")

    assert (language_of(answer), theme_of(answer)) == ("de", "dark")
    assert answer["Content-Language"] == "de"


def test_choosing_for_oneself_changes_nothing_for_others(client, vera, oskar):
    Preferences.objects.create(user=oskar, language="de", time_zone="UTC", theme="light")
    client.force_login(vera)

    client.post("/preferences/", {"language": "en", "time_zone": "", "theme": "auto"})

    assert (chosen(vera), chosen(oskar)) == (("en", "", "auto"), ("de", "UTC", "light"))


@pytest.mark.parametrize(
    ("field", "value"), [("language", "tlh"), ("time_zone", "Mars/Olympus"), ("theme", "pink"), ("theme", "")]
)
def test_what_does_not_exist_cannot_be_chosen(client, vera, field, value):
    client.force_login(vera)

    answer = client.post(
        "/preferences/", {"language": "de", "time_zone": "UTC", "theme": "dark", field: value}
    )

    assert (answer.status_code, chosen(vera), list(answer.context["form"].errors)) == (200, None, [field])


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de", "de"), ("de-AT,en;q=0.5", "de"), ("fr,de;q=0.8,en;q=0.5", "de"), ("fr", "en"), ("en,de", "en")],
)
def test_until_then_the_browser_is_asked_for_the_language(vera, asked, language):
    client = Client(headers={"Accept-Language": asked})
    stranger = language_of(client.get("/sign-in/"))
    client.force_login(vera)

    assert (stranger, language_of(client.get("/"))) == (language, language)


def test_switch_in_the_footer_is_remembered_for_the_person(client, vera):
    Preferences.objects.create(user=vera, time_zone="UTC", theme="dark")
    client.force_login(vera)

    answer = client.post("/language/", {"language": "de", "next": "/vaults/"})

    assert (answer["Location"], chosen(vera)) == ("/vaults/", ("de", "UTC", "dark"))
    client.post("/sign-out/")
    assert language_of(client.get("/sign-in/")) == "de"


def test_language_that_there_is_not_is_not_remembered(client, vera):
    client.force_login(vera)

    client.post("/language/", {"language": "fr", "next": "/vaults/"})

    assert chosen(vera) is None


def test_colours_of_the_footer_are_remembered_without_javascript_too(client, vera):
    Preferences.objects.create(user=vera, language="de")
    client.force_login(vera)

    answer = client.post("/theme/", {"theme": "dark", "next": "/vaults/?q=a"})

    assert (answer.status_code, answer["Location"]) == (303, "/vaults/?q=a")
    assert (chosen(vera), theme_of(client.get("/"))) == (("de", "", "dark"), "dark")


@pytest.mark.parametrize(
    "back", ["//elsewhere.example", "https://elsewhere.example/", "", "javascript:alert(1)"]
)
def test_switching_colours_never_leads_to_another_site(client, db, back):
    answer = client.post("/theme/", {"theme": "dark", "next": back})

    assert (answer["Location"], answer.cookies["theme"].value) == ("/", "dark")


def test_colours_that_there_are_not_change_nothing(client, vera):
    client.force_login(vera)

    answer = client.post("/theme/", {"theme": "pink", "next": "/"})

    assert (answer.status_code, chosen(vera), "theme" in answer.cookies) == (303, None, False)


def test_times_are_shown_in_the_zone_that_was_chosen_with_its_abbreviation(client, oskar, replication):
    Preferences.objects.create(user=oskar, time_zone="America/New_York")
    client.cookies["timezone"] = "Asia/Tokyo"
    client.force_login(oskar)

    assert times_of(client, replication) == ("2026-07-01 08:00:00 EDT", "2026-07-01 08:00 EDT")


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [
        # As the page's script writes it.
        ("Asia%2FTokyo", "2026-07-01 21:00 JST"),
        ("", "2026-07-01 14:00 CEST"),
        ("Mars%2FOlympus", "2026-07-01 14:00 CEST"),
    ],
)
def test_else_times_are_shown_in_the_browsers_zone_or_the_deployers(
    client, oskar, replication, cookie, shown
):
    client.cookies["timezone"] = cookie
    client.force_login(oskar)

    assert times_of(client, replication)[1] == shown


def test_zone_that_is_gone_from_the_machine_breaks_no_page(client, oskar, replication):
    Preferences.objects.create(user=oskar, time_zone="Mars/Olympus", language="tlh")
    client.force_login(oskar)

    assert times_of(client, replication)[1] == "2026-07-01 14:00 CEST"


def test_germans_read_their_own_dates_and_decimals(client, oskar, replication):
    Preferences.objects.create(user=oskar, language="de")
    client.force_login(oskar)
    vault = replication.source_vault
    type(vault).objects.filter(pk=vault.pk).update(size_gb=4096, used_mb=123456)

    page = text_of(client.get(reverse("vault-detail", args=[vault.pk])))

    assert times_of(client, replication) == ("01.07.2026 14:00:00 CEST", "01.07.2026 14:00 CEST")
    assert "120,5 GB von 4.096 GB" in page


def test_probes_answer_without_asking_who_is_there(client, vera, django_assert_num_queries):
    client.force_login(vera)

    with django_assert_num_queries(0):
        answer = client.get("/health/live")

    assert answer.status_code == 200
