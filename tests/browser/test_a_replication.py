"""An operator replicates a vault in a browser: with a mouse, twice in a hurry, by keyboard, without JavaScript."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from replication.models import Replication

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def choose(page):
    page.goto(f"{page.address}/replications/new/")
    page.select_option("#id_vault", label="vault-orders-db")
    expect(page.locator("#id_region")).to_have_value("eu-nl")
    page.select_option("#id_project", label="eu-nl_recovery")
    page.locator("#id_destination option", has_text="replica-production").wait_for(state="attached")
    page.select_option("#id_destination", label="replica-production")
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A last look before sending")
    page.locator("#id_reason").fill("Quarterly recovery exercise")
    return page.get_by_role("button", name=re.compile(r"Replicate 14 backups \(1,400.GB\) to eu-nl"))


def test_the_list_follows_by_itself_until_every_replica_has_arrived(site, practice):
    choose(site).click()
    expect(site.locator(".headline .status").first).to_have_text("Queued")

    practice.round()

    expect(site.locator(".headline .status").first).to_have_text("Running", timeout=10_000)
    expect(site.locator("tr[id^=record-]")).to_have_count(14)
    for _step in range(60):
        practice.advance(minutes=10)
        practice.round()
    expect(site.locator(".headline .status").first).to_have_text("Succeeded", timeout=10_000)
    expect(site.locator("tr[id^=record-]", has_text="Arrived")).to_have_count(14)
    expect(site.locator("[data-poll]")).to_have_count(0)


def test_a_double_click_makes_one_replication(site, practice):
    choose(site).dblclick()
    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")

    practice.round()

    assert (Replication.objects.count(), len(practice.accepted())) == (1, 1)


def test_going_back_and_sending_the_form_again_shows_the_same_replication(site):
    choose(site).click()
    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")
    first = site.url

    site.go_back()
    site.reload()
    site.locator(f"main a[href='{first.removeprefix(site.address)}']").first.click()

    assert (site.url, Replication.objects.count()) == (first, 1)


def test_everything_works_without_javascript(practice, live_server, client, oskar, browser):
    client.force_login(oskar)
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page = context.new_page()

    page.goto(f"{live_server.url}/replications/new/")
    page.select_option("#id_vault", label="vault-orders-db")
    page.get_by_role("button", name="Update choices").click()
    page.select_option("#id_project", label="eu-nl_recovery")
    page.get_by_role("button", name="Update choices").click()
    page.select_option("#id_destination", label="replica-production")
    page.get_by_role("button", name="See what would happen").click()
    page.locator("#id_reason").fill("Without scripts")
    page.get_by_role("button", name=re.compile("Replicate 14 backups")).click()
    practice.round()
    page.reload()

    expect(page.locator(".headline .status").first).to_have_text("Running")
    expect(page.locator("tr[id^=record-]")).to_have_count(14)
    context.close()


def test_the_whole_way_by_keyboard(site):
    choose(site)

    site.locator("#id_reason").focus()
    site.keyboard.press("Tab")
    site.keyboard.press("Enter")

    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")
    assert Replication.objects.count() == 1


PAGES = ["/", "/vaults/", "/replications/", "/replications/new/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(site, practice, scheme):
    choose(site).click()
    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")
    practice.round()
    site.emulate_media(color_scheme=scheme)
    detail = site.url.removeprefix(site.address)

    found = {}
    for path in [*PAGES, detail]:
        site.set_viewport_size({"width": 1280, "height": 900})
        site.goto(f"{site.address}{path}")
        violations = Axe().run(site).response["violations"]
        site.set_viewport_size({"width": 390, "height": 844})
        width = site.evaluate("document.documentElement.scrollWidth")
        found[path] = ([one["id"] for one in violations], width)

    assert found == {path: ([], 390) for path in [*PAGES, detail]}
