"""Policies in a real browser: from the form to the cloud, and every page of them in every look."""

import pytest
from playwright.sync_api import expect

from replication.models import Policy, Vault
from tests.browser.looking import LOOKS, look_at
from tests.journeys.policy_wishes import accepted, ask_to_apply, ask_to_create, cloud_policies, to_rest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fill_in(page, name="replicate-orders"):
    page.goto(f"{page.address}/policies/new/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Project of the vaults").select_option(label="eu-de / eu-de_production")
    page.get_by_label("Replicate to the project").select_option(label="eu-nl / eu-nl_recovery")
    page.get_by_label("Saturday").check()
    page.get_by_label("04:00").check()
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A last look before it is created")


def confirm(page, button):
    page.locator("#id_reason").fill("Recovery plan")
    page.get_by_role("button", name=button).click()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_policy_is_created_and_applied(practice, visit, javascript):
    page = visit("oskar", java_script_enabled=javascript)

    def wait_for(word):
        to_rest(practice)
        if not javascript:
            page.reload()
        expect(page.locator(".status", has_text=word).first).to_be_visible(timeout=10_000)

    fill_in(page)
    confirm(page, "Create the policy")
    expect(page.locator(".headline .status")).to_have_text("Queued")
    wait_for("Done")
    page.get_by_role("link", name="Go to the policy").click()
    page.get_by_role("link", name="Apply to vaults").click()
    page.get_by_label("vault-orders-db").check()
    page.get_by_label("Vault that takes the replicas").select_option(label="replica-production")
    page.get_by_role("button", name="See what would happen").click()
    confirm(page, "Apply it to 1 vault")
    wait_for("Done")

    assert cloud_policies(practice)["replicate-orders"] == [{"vault-orders-db": "replica-production"}]
    assert accepted(practice) == ["policies.create", "vaults.associatepolicy"]


@pytest.fixture
def paths(site, practice, oskar):
    """Every kind of page of policies, in each of its states, by name."""
    lost = ask_to_create(practice, oskar, "replicate-lost")
    practice.fault("close_after_processing", operation="policies.create")
    practice.fault("answer", operation="policies.list", skip=1, status=503)
    practice.round()
    [refused] = ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-payments")
    practice.control("POST", f"vaults/{refused.vault_id}", {"status": "frozen"})
    practice.round()
    [queued] = ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-orders-db")
    fill_in(site)
    review = site.url.removeprefix(site.address)
    erp = Policy.objects.get(name="replicate-erp-weekly")
    idle = Policy.objects.get(name="replicate-every-other-day")
    mail = Policy.objects.get(name="replicate-mail-twice-a-day")
    backup = Policy.objects.get(name="backup-nightly")
    held, target = Vault.objects.get(name="vault-erp"), Vault.objects.get(name="replica-production")
    key = "00000000-0000-0000-0000-000000000007"
    wanted = f"key={key}&vault={held.pk}&destination={target.pk}"
    for change, status in ((lost, "unclear"), (refused, "refused"), (queued, "requested")):
        change.refresh_from_db()
        assert change.status == status
    return {
        "list": "/policies/",
        "without": "/policies/without/",
        "policy": f"/policies/{erp.pk}/",
        "policy, idle": f"/policies/{idle.pk}/",
        "policy, long retention": f"/policies/{mail.pk}/",
        "policy, backup": f"/policies/{backup.pk}/",
        "new": "/policies/new/",
        "new, with errors": review.replace("name=replicate-orders", "name=").replace("hours=4", ""),
        "new, review": review,
        "new, refused": review.replace("name=replicate-orders", "name=replicate-erp-weekly"),
        "apply": f"/policies/{erp.pk}/apply/",
        "apply, errors": f"/policies/{erp.pk}/apply/review/?key={key}",
        "apply, refused": f"/policies/{erp.pk}/apply/review/?{wanted}",
        "remove": f"/policies/{erp.pk}/remove/{held.pk}/",
        "delete": f"/policies/{erp.pk}/delete/",
        "change, unclear": f"/policies/changes/{lost.pk}/",
        "change, refused": f"/policies/changes/{refused.pk}/",
        "change, queued": f"/policies/changes/{queued.pk}/",
    }


def test_every_page_of_policies_is_accessible_in_both_languages_and_themes_and_fits_every_width(
    site, paths, visit
):
    found = {}

    for language, (locale, _looks) in LOOKS.items():
        page = visit("oskar", locale=locale)
        for name, path in paths.items():
            found[language, name] = look_at(page, f"policies {name}", path, language)

    assert {name: faults for name, faults in found.items() if faults} == {}
