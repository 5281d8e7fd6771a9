"""What people do on the pages, in steps that several tests share."""

import re

from playwright.sync_api import expect


def sign_in(page, name):
    """Sign in through the form, as people do."""
    page.goto(f"{page.address}/sign-in/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(f"{name}'s long password")
    page.locator("main form button").click()
    page.wait_for_url(f"{page.address}/")


def choose(page, vault="vault-orders-db"):
    """Go the way to the last look with JavaScript; return the button that sends."""
    page.goto(f"{page.address}/replications/new/")
    page.select_option("#id_vault", label=vault)
    expect(page.locator("#id_region")).to_have_value("eu-nl")
    page.select_option("#id_project", label="eu-nl_recovery")
    page.locator("#id_destination option", has_text="replica-production").wait_for(state="attached")
    page.select_option("#id_destination", label="replica-production")
    return _look(page)


def choose_without_javascript(page, vault="vault-orders-db"):
    page.goto(f"{page.address}/replications/new/")
    page.select_option("#id_vault", label=vault)
    page.get_by_role("button", name="Update choices").click()
    page.select_option("#id_project", label="eu-nl_recovery")
    page.get_by_role("button", name="Update choices").click()
    page.select_option("#id_destination", label="replica-production")
    return _look(page)


def _look(page):
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A last look before sending")
    page.locator("#id_reason").fill("Quarterly recovery exercise")
    return page.get_by_role("button", name=re.compile(r"Replicate \d+ backups \([\d,]+.GB\) to eu-nl"))


def choose_many(page, *vaults):
    """Tick vaults and go to the last look at all of them; return its address."""
    page.goto(f"{page.address}/vaults/?purpose=sources")
    for vault in vaults:
        page.get_by_label(f"Tick {vault}", exact=True).check()
    page.get_by_role("button", name="Replicate the ticked vaults").click()
    if page.locator("#id_region").input_value() != "eu-nl":
        page.select_option("#id_region", label="eu-nl")
    page.locator("#id_project option", has_text="eu-nl_recovery").wait_for(state="attached")
    page.select_option("#id_project", label="eu-nl_recovery")
    page.locator("#id_destination option", has_text="replica-production").wait_for(state="attached")
    page.select_option("#id_destination", label="replica-production")
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A last look before sending")
    return page.url.removeprefix(page.address)


def send_many(page):
    page.locator("#id_reason").fill("Before the maintenance window")
    page.get_by_role("button", name=re.compile(r"Replicate \d+ vaults?, \d+ backups?")).click()
    page.wait_for_url(re.compile(r"/batches/[0-9a-f-]{36}/"))


def status_of(page):
    return page.locator(".headline .status").first


def follow_to_the_end(practice):
    """Let the cloud and the worker go on until nothing can change any more."""
    for _step in range(60):
        practice.advance(minutes=10)
        practice.round()


def find_in_history_and_audit(page, auditor, reference):
    """Look a replication up where the team and where the auditor would."""
    page.goto(f"{page.address}/replications/?q={reference}")
    expect(page.get_by_role("heading", level=2)).to_have_text("1 replication")
    expect(page.locator("main tbody tr")).to_contain_text(["Succeeded"])
    auditor.goto(f"{auditor.address}/admin/replication/replication/?q={reference}")
    auditor.get_by_role("link", name=reference).click()
    expect(auditor.locator(".field-requested_by")).to_contain_text("oskar")
    expect(auditor.locator(".field-status").first).to_contain_text("Succeeded")
    expect(auditor.locator("#records-group tr.has_original")).to_have_count(14)
    expect(auditor.locator("#audit_entries-group")).to_contain_text("Accepted by the cloud")
