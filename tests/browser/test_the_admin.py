"""The audit pages in a browser: no page breaks the policy of the site, and rows leave as a file."""

import pytest
from django.contrib import admin
from playwright.sync_api import expect

from tests.browser.steps import choose, status_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_no_page_of_the_admin_breaks_the_strict_policy(site, practice, visit):
    choose(site).click()
    expect(status_of(site)).to_have_text("Queued")
    practice.round()
    page = visit("adam")
    lists = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    forms = [
        "/admin/",
        "/admin/auth/user/add/",
        "/admin/password_change/",
        "/admin/replication/",
        "/admin/auth/",
    ]

    widths = {}
    for path in [*forms, *lists]:
        page.goto(f"{page.address}{path}")
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
        row = page.locator("#result_list tbody th a").first
        if row.count():
            row.click()
            page.wait_for_load_state()
            widths[page.url] = page.evaluate("document.documentElement.scrollWidth")

    assert len(widths) > len(lists) + len(forms)
    assert {path: width for path, width in widths.items() if width > 1280} == {}


def test_auditor_exports_what_the_filter_shows(site, practice, visit):
    choose(site).click()
    expect(status_of(site)).to_have_text("Queued")
    auditor = visit("anna")
    auditor.goto(f"{auditor.address}/admin/replication/replication/?status__exact=requested")

    with auditor.expect_download() as download:
        auditor.get_by_role("button", name="Export these rows as CSV").click()

    text = download.value.path().read_text(encoding="utf-8-sig")
    assert download.value.suggested_filename.startswith("replication-")
    assert (len(text.splitlines()), "Quarterly recovery exercise" in text) == (2, True)
