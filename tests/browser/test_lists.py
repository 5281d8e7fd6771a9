"""Lists in a browser: renewed row by row, without a jump, sorted on a phone, kept as a view, downloaded."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from replication.models import Replication
from tests.builders import a_backup, a_replication, a_replication_vault, a_vault

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Sums up how far parts of the page have jumped, by themselves, since it was opened.
WATCH = """
    window.shifted = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
    }).observe({type: 'layout-shift', buffered: true});
"""


@pytest.fixture
def company(oskar):
    destination = a_replication_vault()
    found = []
    for number in range(30):
        vault = a_vault(name=f"vault-of-team-{number:02}")
        a_backup(vault=vault)
        found.append(
            a_replication(
                source=vault,
                destination=destination,
                status="running",
                requested_at=timezone.now(),
                changed_at=timezone.now(),
            )
        )
    return found


def test_poll_renews_the_row_that_changed_and_leaves_the_others_in_place(company, visit):
    page = visit("oskar")
    page.add_init_script(WATCH)
    page.goto(f"{page.address}/replications/")
    changed, other = company[-1], company[-2]
    page.evaluate(f"document.getElementById('r{other.reference}').marked = true")

    Replication.objects.filter(pk=changed.pk).move("running", "failed", now=timezone.now())

    expect(page.locator(f"#r{changed.reference}")).to_contain_text("Failed", timeout=15000)
    assert page.evaluate(f"document.getElementById('r{other.reference}').marked") is True
    assert page.locator("main tbody tr").count() == 25
    assert page.locator(f"#r{other.reference} td").count() == 4
    assert page.evaluate("window.shifted") < 0.02


@pytest.mark.parametrize(
    "path", ["/", "/vaults/", "/replications/", "/replications/{pk}/", "/replications/{pk}/backups/"]
)
def test_nothing_jumps_while_a_page_loads_and_nothing_comes_from_elsewhere(company, visit, path):
    page = visit("oskar")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(WATCH)

    page.goto(page.address + path.format(pk=company[0].pk))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)

    assert page.evaluate("window.shifted") < 0.02
    assert [url for url in asked if not url.startswith((page.address, "data:"))] == []


def test_list_on_a_phone_is_sorted_by_a_menu(company, visit):
    page = visit("oskar")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{page.address}/replications/")

    expect(page.locator("main thead")).to_be_hidden()
    page.get_by_label("Sorted by").select_option("replication")
    page.get_by_role("button", name="Show").click()

    expect(page.locator("main tbody tr").first).to_contain_text("vault-of-team-00")
    assert "sort=replication" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_headings_stay_in_sight(company, visit):
    page = visit("oskar")
    page.goto(f"{page.address}/replications/")

    page.locator("main tbody tr").last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 400)
    page.wait_for_timeout(200)

    assert page.locator("main thead th").first.bounding_box()["y"] >= 0
    focus = page.locator("main tbody tr a").nth(3)
    focus.focus()
    assert focus.bounding_box()["y"] >= page.locator("main thead th").first.bounding_box()["height"]


@pytest.mark.parametrize("script", [True, False])
def test_view_is_kept_and_the_filter_downloaded(company, visit, script):
    page = visit("oskar", java_script_enabled=script)
    page.goto(f"{page.address}/replications/")
    page.get_by_label("Search").fill("team-07")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Save this view").click()
    page.get_by_label("Name").fill("Team seven")
    page.get_by_role("button", name="Save the view").click()

    expect(page.get_by_role("link", name="Team seven")).to_have_attribute("aria-current", "true")
    page.locator("summary", has_text="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    assert "vault-of-team-07" in download.value.path().read_text(encoding="utf-8-sig")
