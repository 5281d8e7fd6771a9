import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User

from replication.roles import Right, rights_of
from tests.builders import a_user

PEOPLE = "/admin/auth/user/"
ROLES = "/admin/auth/group/"


def form_of(user, **changes):
    """Return what the form of a person sends."""
    return {
        "username": user.username,
        "is_active": "on",
        "groups": [str(group.pk) for group in user.groups.all()],
        "first_name": "",
        "last_name": "",
        "email": "",
        **changes,
    }


def ids_of(*names):
    return [str(group.pk) for group in Group.objects.filter(name__in=names)]


@pytest.mark.parametrize("person", ["vera", "oskar", "anna"])
def test_accounts_are_closed_to_everybody_but_administrators(client, request, person):
    actor = request.getfixturevalue(person)
    client.force_login(actor)
    before = list(User.objects.values_list())

    answers = [
        client.get(PEOPLE, follow=True),
        client.get(f"{PEOPLE}add/", follow=True),
        client.post(
            f"{PEOPLE}{actor.pk}/change/", form_of(actor, groups=ids_of("administrator")), follow=True
        ),
        client.post(f"{PEOPLE}{actor.pk}/password/", {"password1": "x", "password2": "x"}, follow=True),
        client.get(ROLES, follow=True),
    ]

    # Somebody without any right here is sent to sign in, and told there that it is of no use.
    assert [answer.status_code for answer in answers] == [403] * 5
    assert rights_of(User.objects.get(pk=actor.pk)) == rights_of(actor)
    assert [row[1:4] for row in User.objects.values_list()] == [row[1:4] for row in before]


def test_administrator_gives_and_takes_roles(client, adam, vera):
    client.force_login(adam)

    answer = client.post(f"{PEOPLE}{vera.pk}/change/", form_of(vera, groups=ids_of("operator", "auditor")))

    assert (answer.status_code, answer["Location"]) == (302, PEOPLE)
    assert sorted(vera.groups.values_list("name", flat=True)) == ["auditor", "operator"]
    assert LogEntry.objects.get().get_change_message() == "Changed Groups."


def test_administrator_creates_a_person_who_may_do_nothing_yet(client, adam):
    client.force_login(adam)

    answer = client.post(
        f"{PEOPLE}add/",
        {
            "username": "nina",
            "usable_password": "true",
            "password1": "a long and quiet evening",
            "password2": "a long and quiet evening",
        },
    )

    nina = User.objects.get(username="nina")
    assert answer["Location"] == f"{PEOPLE}{nina.pk}/change/"
    assert (rights_of(nina), nina.is_staff, nina.is_superuser) == (frozenset(), False, False)


def test_short_password_is_refused(client, adam):
    client.force_login(adam)

    answer = client.post(
        f"{PEOPLE}add/",
        {"username": "nina", "usable_password": "true", "password1": "sh0rt!", "password2": "sh0rt!"},
    )

    assert (answer.status_code, User.objects.filter(username="nina").exists()) == (200, False)


def test_administrator_gives_nobody_more_than_the_roles_offer(client, adam):
    client.force_login(adam)
    everything = [str(permission.pk) for permission in Permission.objects.all()]

    client.post(
        f"{PEOPLE}{adam.pk}/change/",
        form_of(adam, is_staff="on", is_superuser="on", user_permissions=everything),
    )

    adam.refresh_from_db()
    assert (adam.is_staff, adam.is_superuser, adam.user_permissions.count()) == (False, False, 0)
    assert Right.TRIGGER not in rights_of(User.objects.get(pk=adam.pk))


def test_form_of_a_person_offers_roles_and_no_other_group(client, adam):
    client.force_login(adam)
    Group.objects.create(name="demo")

    form = client.get(f"{PEOPLE}{adam.pk}/change/").context["adminform"].form

    assert sorted(form.fields) == [
        "email",
        "first_name",
        "groups",
        "is_active",
        "last_name",
        "password",
        "username",
    ]
    assert [group.name for group in form.fields["groups"].queryset] == [
        "viewer",
        "operator",
        "auditor",
        "administrator",
    ]


def test_mark_of_a_demo_account_survives_a_change_of_its_roles(client, adam):
    client.force_login(adam)
    Group.objects.create(name="demo")
    person = a_user("demo-vera", "viewer", "demo")

    client.post(f"{PEOPLE}{person.pk}/change/", form_of(person, groups=ids_of("operator")))

    assert sorted(person.groups.values_list("name", flat=True)) == ["demo", "operator"]


def test_superuser_is_out_of_an_administrators_reach(client, adam):
    client.force_login(adam)
    root = User.objects.create_superuser("root", password="a secret of the machine room")

    answers = [
        client.post(f"{PEOPLE}{root.pk}/change/", form_of(root, username="mine")),
        client.get(f"{PEOPLE}{root.pk}/password/"),
    ]

    root.refresh_from_db()
    assert ([answer.status_code for answer in answers], root.username) == ([403, 403], "root")


def test_nobody_is_deleted(client, adam, vera):
    client.force_login(adam)

    answer = client.post(f"{PEOPLE}{vera.pk}/delete/", {"post": "yes"})

    assert (answer.status_code, User.objects.filter(pk=vera.pk).exists()) == (403, True)


def test_deactivated_person_is_signed_out_everywhere(client, adam, anna):
    theirs = type(client)()
    theirs.force_login(anna)
    client.force_login(adam)
    form = form_of(anna)
    del form["is_active"]

    client.post(f"{PEOPLE}{anna.pk}/change/", form)

    assert theirs.get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_roles_say_what_they_allow_and_who_has_them(client, adam, vera):
    client.force_login(adam)
    viewer = Group.objects.get(name="viewer")

    page = client.get(f"{ROLES}{viewer.pk}/change/").content.decode()

    assert "see vaults and replications" in page
    assert "vera" in page


def test_group_that_is_no_role_allows_nothing(client, adam):
    client.force_login(adam)
    group = Group.objects.create(name="demo")

    answer = client.get(f"{ROLES}{group.pk}/change/")

    assert answer.status_code == 200


def test_roles_are_not_changed_by_hand(client, adam):
    client.force_login(adam)
    viewer = Group.objects.get(name="viewer")

    answers = [
        client.get(f"{ROLES}add/"),
        client.post(f"{ROLES}{viewer.pk}/change/", {"name": "operator-too"}),
        client.post(f"{ROLES}{viewer.pk}/delete/", {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert Group.objects.filter(name="viewer").exists()


def test_number_of_queries_of_the_list_of_people_does_not_grow_with_it(
    client, adam, django_assert_max_num_queries
):
    client.force_login(adam)
    counts = []
    for n in range(2):
        a_user(f"person-{n}", "viewer", "auditor")
        with django_assert_max_num_queries(20) as queries:
            client.get(PEOPLE)
        counts.append(len(queries))

    assert counts[0] == counts[1]
