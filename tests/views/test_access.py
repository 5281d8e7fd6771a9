"""Who may do what, for every route that the resolver knows: a route without a policy fails here."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from replication.models import Look, Replication
from tests.builders import (
    a_backup,
    a_batch,
    a_check,
    a_policy,
    a_policy_change,
    a_record,
    a_replication,
    a_replication_vault,
    a_saved_view,
    a_target,
    a_vault,
)
from tests.views.site import batch_review_address, everything, policy_address, review_address, routes

EVERYBODY = frozenset({"nobody", "vera", "oskar", "anna", "adam"})
PEOPLE = EVERYBODY - {"nobody"}
READERS, OPERATORS = PEOPLE, frozenset({"oskar"})
AUDITORS, ADMINISTRATORS = frozenset({"anna", "adam"}), frozenset({"adam"})

#: Route → by method, who is let in. A method that is not listed is not offered.
POLICIES = {
    "overview": {"GET": READERS},
    "overview-activity": {"GET": READERS},
    "coverage": {"GET": READERS},
    "coverage-missing": {"GET": READERS},
    "target-list": {"GET": READERS, "POST": OPERATORS | ADMINISTRATORS},
    "target-remove": {"POST": OPERATORS | ADMINISTRATORS},
    "vault-list": {"GET": READERS},
    "vault-detail": {"GET": READERS},
    "vault-diff": {"GET": READERS},
    "vault-operations": {"GET": READERS},
    "capacity": {"GET": READERS},
    "inventory-refresh": {"POST": OPERATORS | ADMINISTRATORS},
    "batch-list": {"GET": READERS},
    "batch-new": {"GET": OPERATORS},
    "batch-destination-fields": {"GET": OPERATORS},
    "batch-review": {"GET": OPERATORS, "POST": OPERATORS},
    "batch-detail": {"GET": READERS},
    "batch-progress": {"GET": READERS},
    "policy-list": {"GET": READERS},
    "policy-rows": {"GET": READERS},
    "policy-bare-vaults": {"GET": READERS},
    "policy-detail": {"GET": READERS},
    "policy-body": {"GET": READERS},
    "policy-change": {"GET": READERS},
    "policy-change-progress": {"GET": READERS},
    "policy-new": {"GET": OPERATORS},
    "policy-new-review": {"GET": OPERATORS, "POST": OPERATORS},
    "policy-apply": {"GET": OPERATORS},
    "policy-apply-review": {"GET": OPERATORS, "POST": OPERATORS},
    "policy-remove": {"GET": OPERATORS, "POST": OPERATORS},
    "policy-delete": {"GET": OPERATORS, "POST": OPERATORS},
    "replication-new": {"GET": OPERATORS},
    "destination-fields": {"GET": OPERATORS},
    "replication-review": {"GET": OPERATORS, "POST": OPERATORS},
    "check-save": {"POST": OPERATORS},
    "check-detail": {"GET": READERS},
    "replication-list": {"GET": READERS},
    "replication-rows": {"GET": READERS},
    "replication-detail": {"GET": READERS},
    "replication-records": {"GET": READERS},
    "replication-withdraw": {"GET": OPERATORS, "POST": OPERATORS},
    "replication-rearm": {"GET": OPERATORS, "POST": OPERATORS},
    "replication-give-up": {"GET": OPERATORS, "POST": OPERATORS},
    "replication-adopt": {"GET": OPERATORS, "POST": OPERATORS},
    "preferences": {"GET": READERS, "POST": READERS},
    "set_theme": {"POST": EVERYBODY},
    "replication-record-list": {"GET": READERS},
    "replication-record-export": {"POST": READERS},
    "replication-export": {"POST": READERS},
    "vault-export": {"POST": READERS},
    "list-columns": {"POST": READERS},
    "list-default": {"POST": READERS},
    "saved-view-list": {"GET": READERS, "POST": READERS},
    # The view in question is a private one of the operator.
    "saved-view-change": {"POST": OPERATORS},
    "saved-view-delete": {"POST": OPERATORS},
    "login": {"GET": EVERYBODY, "POST": EVERYBODY},
    "logout": {"POST": EVERYBODY},
    "set_language": {"GET": EVERYBODY, "POST": EVERYBODY},
    "health-live": {"GET": EVERYBODY},
    "health-ready": {"GET": EVERYBODY},
    # Tells those who are signed in that the admin is not for them, and sends others to sign in.
    "admin/login/": {"GET": AUDITORS},
}
OURS = [(name, method) for name, policy in POLICIES.items() for method in policy]
ADMIN = sorted(name for name in routes() if name.startswith("admin:"))
#: Routes of the admin that answer everybody, and change nothing.
ADMIN_OPEN = {"admin:logout"}
EXPORTS = [name for name in ADMIN if name.endswith("_export")]


@pytest.fixture
def world(vera, oskar, anna, adam):
    """One of everything that a route can be about."""
    source, destination = a_vault(), a_replication_vault()
    backup = a_backup(vault=source)
    sent = timezone.now() - timedelta(hours=2)
    replication = a_replication(
        source=source, destination=destination, status="unconfirmed", submitted_at=sent
    )
    # Enough to settle it: whoever may, is shown the form.
    for minute in range(40, 43):
        Look.objects.create(replication=replication, at=sent + timedelta(minutes=minute), complete=True)
    a_record(replication=replication, source_backup=backup)
    batch = a_batch()
    a_replication(
        source=a_vault(name="together"), destination=destination, batch=batch, changed_at=timezone.now()
    )
    return {
        "source": source,
        "destination": destination,
        "replication": replication,
        "free": a_vault(name="free"),
        "view": a_saved_view(owner=oskar),
        "batch": batch,
        "change": a_policy_change(policy=a_policy(project=source.project), status="done"),
    }


def address(name, world):
    if name == "admin/login/":
        return "/admin/login/"
    if name in {"replication-review", "check-save"}:
        a_backup(vault=world["free"])
        return review_address(world["free"], world["destination"], name=name)
    if name == "batch-review":
        a_backup(vault=world["free"])
        return batch_review_address([world["free"]], world["destination"])
    if name.startswith("policy-"):
        return policy_address(name, world["change"], world["source"], world["destination"])
    if name in {"batch-detail", "batch-progress"}:
        return reverse(name, args=[world["batch"].pk])
    if name == "check-detail":
        return reverse(name, args=[a_check(source=world["free"], destination=world["destination"]).pk])
    if name == "coverage-missing":
        return f"{reverse(name)}?region=eu-nl&vault={world['source'].pk}"
    if name == "target-remove":
        return reverse(name, args=[a_target(vault=world["source"]).pk])
    about = world["source"] if name.startswith("vault") else world["replication"]
    if name.startswith("saved-view"):
        about = world["view"]
    if name == "replication-withdraw":
        about = a_replication(source=a_vault(name="queued"), destination=world["destination"])
    values = {
        "pk": about.pk,
        "table": "replications",
        "app_label": "replication",
        "object_id": "1",
        "id": "1",
        "url": "nowhere",
    }
    return (
        reverse(name, kwargs={key: values[key] for key in routes()[name]})
        if routes()[name]
        else reverse(name)
    )


def client_of(request, who, **options):
    client = Client(**options)
    if who != "nobody":
        client.force_login(request.getfixturevalue(who))
    return client


def ask(client, method, url):
    return client.get(url) if method == "GET" else client.post(url, {"reason": "Please do"})


def is_denied(answer):
    """Return whether somebody was kept out: refused, or sent to sign in."""
    # Somebody else's private view is not even said to exist.
    return answer.status_code in {401, 403, 404} or answer.headers.get("Location", "").startswith(
        ("/sign-in/?next=", "/admin/login/?next=")
    )


def test_every_route_has_a_policy_and_every_policy_a_route():
    assert sorted(name for name in routes() if not name.startswith("admin:")) == sorted(POLICIES)


@pytest.mark.parametrize("who", sorted(EVERYBODY))
@pytest.mark.parametrize(("name", "method"), OURS)
def test_route_lets_in_whom_its_policy_names_and_changes_nothing_for_others(
    request, world, name, method, who
):
    client = client_of(request, who)
    url = address(name, world)
    before = everything()

    answer = ask(client, method, url)

    assert is_denied(answer) == (who not in POLICIES[name][method])
    if is_denied(answer):
        assert everything() == before


@pytest.mark.parametrize(
    ("name", "method"), [(name, m) for name in POLICIES for m in ("POST", "PUT", "DELETE")]
)
def test_method_that_a_policy_does_not_name_is_not_offered(request, world, name, method):
    # The last three redirect before they look at the method.
    if method in POLICIES[name] or name in {"admin/login/", "set_language", "login"}:
        return
    client = client_of(request, "oskar")
    url = address(name, world)
    before = everything()

    answer = client.generic(method, url)

    assert (answer.status_code, everything() == before) == (405, True)


@pytest.mark.parametrize("name", [name for name, policy in POLICIES.items() if "GET" in policy])
def test_getting_changes_nothing_even_twice(request, world, name):
    client = client_of(request, "oskar")
    url = address(name, world)
    before = everything()

    for _time in range(2):
        client.get(url)

    assert everything() == before


@pytest.mark.parametrize("name", ADMIN)
@pytest.mark.parametrize("who", ["adam", "anna"])
def test_getting_a_page_of_the_admin_changes_nothing_even_twice(request, world, name, who):
    client = client_of(request, who)
    url = address(name, world)
    before = everything()

    for _time in range(2):
        client.get(url)

    assert everything() == before


@pytest.mark.parametrize("name", [name for name in ADMIN if name not in ADMIN_OPEN])
@pytest.mark.parametrize("who", ["nobody", "vera", "oskar"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_admin_is_closed_to_everybody_but_auditors_and_administrators(request, world, name, who, method):
    client = client_of(request, who)
    url = address(name, world)
    before = everything()

    answer = ask(client, method, url)

    assert (is_denied(answer), everything() == before) == (True, True)


@pytest.mark.parametrize("name", [name for name in ADMIN if name.startswith("admin:auth_")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_accounts_are_closed_to_auditors(request, world, name, method):
    client = client_of(request, "anna")
    # An address of a person who exists, so that "not found" is not taken for a refusal.
    url = address(name, world).replace("/1/", f"/{User.objects.get(username='anna').pk}/")
    before = everything()

    answer = ask(client, method, url)

    is_refused = is_denied(answer) or answer.status_code == 404 or answer.headers.get("Location") == "/admin/"
    assert (is_refused, everything() == before) == (True, True)


POSTS = [name for name, policy in POLICIES.items() if "POST" in policy]


@pytest.mark.parametrize(
    "name", [*POSTS, *EXPORTS, "admin:auth_user_add", "admin:password_change", "admin:logout"]
)
def test_form_without_a_token_is_refused(request, world, name):
    who = "oskar" if name in POLICIES else "adam"
    client = client_of(request, who, enforce_csrf_checks=True)
    url = address(name, world)
    before = everything()

    answer = client.post(url, {"reason": "Please do"})

    assert (answer.status_code, [template.name for template in answer.templates][:1]) == (
        403,
        ["403_csrf.html"],
    )
    assert everything() == before


def test_every_form_of_a_page_carries_a_token(request, world):
    client = client_of(request, "oskar")
    urls = [
        address(name, world)
        for name, policy in POLICIES.items()
        if "GET" in policy and "oskar" in policy["GET"]
    ]

    pages = [client.get(url).content.decode() for url in urls]

    forms = [form.partition("</form>")[0] for page in pages for form in page.split('method="post"')[1:]]
    assert len(forms) >= 10
    assert [form for form in forms if "csrfmiddlewaretoken" not in form] == []


@pytest.mark.parametrize(
    "name", ["overview-activity", "replication-rows", "replication-records", "batch-progress"]
)
def test_poll_after_signing_out_is_told_so_and_gets_no_sign_in_page(client, world, name):
    answer = client.get(address(name, world), headers={"HX-Request": "true"})

    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(
    ("came_from", "leads_back_to"),
    [
        ("http://testserver/vaults/", "http%3A//testserver/vaults/"),
        ("https://elsewhere.example/", "/"),
        ("", "/"),
    ],
)
def test_post_after_signing_out_leads_back_to_the_page_with_the_form(client, db, came_from, leads_back_to):
    answer = client.post(reverse("inventory-refresh"), headers={"Referer": came_from})

    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={leads_back_to}")


def test_refusal_names_what_was_refused_and_whom_to_ask(client, vera):
    client.force_login(vera)

    answer = client.get(reverse("replication-new"))

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Your account may not start a replication. Nothing was changed." in page
    assert "<strong>Operator</strong>" in page
    assert f'data-copy="{answer["X-Request-Id"]}"' in page


def test_account_without_a_role_sees_nothing(client, db):
    client.force_login(User.objects.create_user("nina", password="a long and quiet evening"))

    statuses = {
        name: client.get(reverse(name)).status_code for name in ("overview", "vault-list", "replication-list")
    }

    assert statuses == {"overview": 403, "vault-list": 403, "replication-list": 403}


@pytest.mark.parametrize(
    "name",
    [
        "vault-detail",
        "replication-detail",
        "replication-records",
        "replication-rearm",
        "batch-detail",
        "batch-progress",
        "check-detail",
    ],
)
def test_what_does_not_exist_is_not_found(client, oskar, name):
    client.force_login(oskar)

    answer = client.get(reverse(name, args=[uuid.uuid4()]))

    assert answer.status_code == 404
    assert not Replication.objects.exists()


def test_every_page_has_the_strict_policy_and_stays_out_of_caches(request, world):
    client = client_of(request, "oskar")
    urls = [address(name, world) for name, policy in POLICIES.items() if "oskar" in policy.get("GET", ())]
    urls += ["/nowhere/", "/admin/"]

    answers = {url: client.get(url) for url in urls}

    policies = {answer["Content-Security-Policy"] for answer in answers.values()}
    [policy] = policies
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert (directives["default-src"], directives["script-src"], directives["style-src"]) == (
        "'none'",
        "'self'",
        "'self'",
    )
    assert "unsafe" not in policy
    assert {answer["Cache-Control"] for answer in answers.values() if answer.status_code == 200} == {
        "private, no-store"
    }
