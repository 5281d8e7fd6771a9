import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.test import Client

from tests.builders import a_user


def test_signing_in_leads_to_the_overview_under_a_new_session(client, vera):
    client.get("/sign-in/")
    before = client.session.session_key

    answer = client.post("/sign-in/", {"username": "vera", "password": "vera's long password"})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session.session_key != before


def test_signing_in_leads_back_to_where_one_came_from(client, vera):
    answer = client.post("/sign-in/?next=/vaults/", {"username": "vera", "password": "vera's long password"})

    assert answer["Location"] == "/vaults/"


@pytest.mark.parametrize(
    "next_page",
    ["//elsewhere.example", "/\\elsewhere.example", "https:///elsewhere.example", "javascript:alert(1)"],
)
def test_signing_in_never_leads_to_another_site(client, vera, next_page):
    answer = client.post(
        "/sign-in/", {"username": "vera", "password": "vera's long password", "next": next_page}
    )

    assert answer["Location"] == "/"


def test_wrong_password_and_unknown_name_are_refused_alike(client, vera):
    wrong = client.post("/sign-in/", {"username": "vera", "password": "a guess"})
    unknown = client.post("/sign-in/", {"username": "nobody", "password": "a guess"})

    assert wrong.status_code == unknown.status_code == 200
    assert list(wrong.context["form"].non_field_errors()) == list(unknown.context["form"].non_field_errors())


def test_deactivated_person_is_out_with_the_next_request(client, anna):
    client.force_login(anna)
    before = client.get("/admin/").status_code
    anna.is_active = False
    anna.save()

    answer = client.get("/admin/")

    assert (before, answer.status_code, answer["Location"]) == (200, 302, "/admin/login/?next=/admin/")


def test_somebody_signed_in_is_not_asked_again(client, vera):
    client.force_login(vera)

    answer = client.get("/sign-in/")

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_signing_out_is_a_post_and_ends_the_session(client, vera):
    client.force_login(vera)

    by_link = client.get("/sign-out/").status_code
    answer = client.post("/sign-out/")

    assert (by_link, answer.status_code, answer["Location"]) == (405, 302, "/sign-in/")
    assert Session.objects.count() == 0


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-out/", "/language/", "/admin/logout/"])
def test_form_without_a_token_is_refused(vera, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(vera)

    answer = client.post(path, {"username": "vera", "password": "vera's long password", "language": "de"})

    assert (answer.status_code, [template.name for template in answer.templates][:1]) == (
        403,
        ["403_csrf.html"],
    )


def test_language_is_changed_for_this_browser(client):
    answer = client.post("/language/", {"language": "de", "next": "/sign-in/"})

    assert (answer["Location"], answer.cookies["django_language"].value) == ("/sign-in/", "de")


def test_admin_sends_strangers_to_the_one_sign_in(client, db):
    answer = client.get("/admin/replication/auditentry/?q=vera", follow=True)

    assert answer.redirect_chain == [
        ("/admin/login/?next=/admin/replication/auditentry/%3Fq%3Dvera", 302),
        ("/sign-in/?next=/admin/replication/auditentry/%3Fq%3Dvera", 302),
    ]


@pytest.mark.parametrize("person", ["vera", "oskar"])
def test_admin_tells_who_may_not_enter_which_roles_may(client, request, person):
    client.force_login(request.getfixturevalue(person))

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert answer.context["refusal"].roles == ("auditor", "administrator")


def test_admin_sign_in_leads_those_who_are_in_to_the_admin(client, anna):
    client.force_login(anna)

    answer = client.get("/admin/login/")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_demo_account_is_refused_outside_the_demo_even_with_a_session(client, db, settings):
    settings.DEMO = True
    Group.objects.create(name="demo")
    client.force_login(a_user("demo-anna", "auditor", "demo"))
    inside = client.get("/admin/").status_code
    settings.DEMO = False

    outside = client.get("/admin/").status_code

    assert (inside, outside) == (200, 302)
