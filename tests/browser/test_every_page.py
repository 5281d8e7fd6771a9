"""Every page and state: accessible in both languages and themes, and no wider than a phone.

SCREENSHOTS=folder make test ARGS=tests/browser/test_every_page.py writes a picture of each.
"""

from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.urls import resolve
from playwright.sync_api import expect

from replication.models import Replication, Vault
from tests.browser.looking import LOOKS, look_at
from tests.browser.steps import choose, choose_many, send_many, status_of
from tests.builders import a_target
from tests.views.test_access import POLICIES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def paths(site, practice, settings):
    """Every kind of page in each of its states, by name."""
    settings.REPLICATION_SETTLE_WINDOW = settings.REPLICATION_PROGRESS_INTERVAL
    practice.fault("fail_backup")
    choose(site, "vault-erp").click()
    for _step in range(12):
        practice.round()
        practice.advance(minutes=10)
    practice.fault("close_before_processing")
    choose(site, "vault-payments").click()
    practice.round()
    for _look in range(4):
        practice.advance(minutes=3)
        practice.round()
    choose(site).click()
    practice.round()
    choose(site, "vault-mail")
    review = site.url.removeprefix(site.address)
    site.get_by_role("button", name="Save this check").click()
    expect(site.get_by_role("heading", level=1)).to_have_text("Check: vault-mail to eu-nl")
    check = site.url.removeprefix(site.address)
    choose(site, "vault-web-shop").click()
    expect(status_of(site)).to_have_text("Queued")
    partial, unclear, running, queued = Replication.objects.order_by("requested_at")
    statuses = [one.status for one in (partial, unclear, running, queued)]
    assert statuses == ["partial", "unconfirmed", "running", "requested"]
    source, destination = unclear.source_vault, unclear.destination
    locked = Vault.objects.get(name="vault-gitlab")
    a_target(project=source.project, hours=72)
    a_target(vault=partial.source_vault, hours=24 * 30)
    one = f"backup={source.backups.first().pk}&destination={destination.pk}&project={destination.project_id}"
    of_one = f"{one}&region={destination.project.region}&replica_description=For+the+exercise"
    batch_review = choose_many(
        site, "vault-data-warehouse", "vault-logging", "vault-build-disks", "vault-mail"
    )
    send_many(site)
    batch = site.url.removeprefix(site.address)
    going = choose_many(site, "vault-erp", "vault-build-disks")
    practice.read_inventory()
    return {
        "overview": "/",
        "coverage": "/coverage/",
        "coverage by vault": "/coverage/?by=vaults",
        "coverage, no match": "/coverage/?q=nothing-like-it",
        "coverage, missing": f"/coverage/missing/?region=eu-nl&vault={source.pk}",
        "targets": "/coverage/targets/",
        "vaults": "/vaults/",
        "vaults, no match": "/vaults/?q=nothing-like-it",
        "source vault": f"/vaults/{source.pk}/",
        "replication vault": f"/vaults/{destination.pk}/",
        "unfit vault": f"/vaults/{locked.pk}/",
        "comparison": f"/vaults/{source.pk}/diff/",
        "comparison, in both": f"/vaults/{partial.source_vault_id}/diff/?show=both",
        "comparison, kept": f"/vaults/{partial.source_vault_id}/diff/?show=kept",
        "comparison, to choose": f"/vaults/{locked.pk}/diff/",
        "comparison from the other side": f"/vaults/{destination.pk}/diff/",
        "operation logs": f"/vaults/{partial.source_vault_id}/operations/",
        "operation logs, none": f"/vaults/{locked.pk}/operations/",
        "capacity": "/capacity/",
        "new": "/replications/new/",
        "new, chosen": f"/replications/new/?vault={source.pk}&destination={destination.pk}&project={destination.project_id}",
        "new, unfit": f"/replications/new/?vault={locked.pk}",
        "new, with errors": review.replace("destination=", "typed_region=%C3%BC&destination="),
        "new, one backup": f"/replications/new/?{one}",
        "new, unknown backup": "/replications/new/?backup=x",
        "new, one backup with errors": f"/replications/new/review/?key={uuid4()}&{of_one}&replica_name=%C3%BC",
        "review": review,
        "check": check,
        "review of one backup": f"/replications/new/review/?key={uuid4()}&{of_one}&replica_name=exercise-1",
        "replications": "/replications/",
        "replications, no match": "/replications/?q=nothing-like-it",
        "replications, bad filter": "/replications/?status=x&size=7",
        "unclear": f"/replications/{unclear.pk}/",
        "running": f"/replications/{running.pk}/",
        "partial": f"/replications/{partial.pk}/",
        "queued": f"/replications/{queued.pk}/",
        "settle": f"/replications/{unclear.pk}/rearm/",
        "give up": f"/replications/{unclear.pk}/give-up/",
        "settle, not possible": f"/replications/{unclear.pk}/adopt/",
        "withdraw": f"/replications/{queued.pk}/withdraw/",
        "batches": "/batches/",
        "batch": batch,
        "batch, nothing chosen": "/batches/new/",
        "batch, by filter": "/batches/new/?matching=q%3Dvault",
        "batch, with errors": batch_review.replace("destination=", "typed_region=%C3%BC&destination="),
        "batch, requested before": batch_review,
        "batch, review": going,
        "backups of a replication": f"/replications/{partial.pk}/backups/",
        "views of a list": "/lists/replications/views/",
        "preferences": "/preferences/",
        "not found": "/nowhere/",
        "not permitted": "/admin/",
    }


#: Pages of the admin, by name; their markup is mostly Django's.
ADMIN = {
    "admin": "/admin/",
    "admin, list": "/admin/replication/replication/",
    "admin, audit": "/admin/replication/auditentry/",
    "admin, people": "/admin/auth/user/",
    "admin, new person": "/admin/auth/user/add/",
    "admin, password": "/admin/password_change/",
}


#: Routes that answer with a part of a page, or with no page at all.
NO_PAGES = {
    *("overview-activity", "replication-rows", "replication-records", "batch-progress"),
    *("destination-fields", "batch-destination-fields", "set_language", "health-live", "health-ready"),
}


def kinds_of(paths):
    return {resolve(urlsplit(path).path).url_name for path in paths.values() if path != "/nowhere/"}


def test_every_page_is_accessible_in_both_languages_and_themes_and_fits_every_width(site, paths, visit):
    pages = {name for name, methods in POLICIES.items() if "GET" in methods}
    # Those of policies are looked at in test_policies.py, where there are some.
    pages -= NO_PAGES | {"login", "admin/login/"} | {name for name in pages if name.startswith("policy-")}
    found = {"left out": pages - kinds_of(paths)}

    for language, (locale, _looks) in LOOKS.items():
        stranger, reader, keeper = (visit(who, locale=locale) for who in (None, "oskar", "adam"))
        for name, page, path in [
            ("sign-in", stranger, "/sign-in/"),
            *((name, reader, path) for name, path in paths.items()),
            *((name, keeper, path) for name, path in ADMIN.items()),
        ]:
            found[language, name] = look_at(page, name, path, language)

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_ids_and_statuses_are_never_broken_into_letters(site, paths):
    site.goto(f"{site.address}{paths['running']}")

    heights = site.evaluate(
        "[...document.querySelectorAll('td .copyable code, td .status')].map(one => one.getBoundingClientRect().height)"
    )

    assert len(heights) >= 28
    assert max(heights) < 40


def test_theme_is_kept_from_page_to_page(site):
    site.get_by_role("button", name="Dark").click()
    site.goto(f"{site.address}/vaults/")

    assert site.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    expect(site.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
