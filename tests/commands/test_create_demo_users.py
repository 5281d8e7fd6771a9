"""The demo's people: four roles, a public password, and only in the demo."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from replication.roles import Role
from tests.builders import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(settings):
    settings.DEMO = True


def create(**options):
    printed = StringIO()
    call_command("create_demo_users", stdout=printed, **options)
    return printed.getvalue()


def people():
    return {
        user.username: (sorted(user.groups.values_list("name", flat=True)), user.is_active, user.is_superuser)
        for user in User.objects.all()
    }


AS_PROMISED = {
    "vera": (["demo", "viewer"], True, False),
    "oskar": (["demo", "operator"], True, False),
    "anna": (["auditor", "demo"], True, False),
    "adam": (["administrator", "demo"], True, False),
}


def test_each_role_has_its_person_with_the_public_password(demo):
    printed = create()

    assert people() == AS_PROMISED
    assert all(user.check_password("demo") for user in User.objects.all())
    assert printed == "vera, oskar, anna, adam may sign in with the password “demo”.\n"
    assert {role.value for role in Role} < {name for groups, *_ in people().values() for name in groups}


def test_outside_the_demo_nobody_is_created():
    with pytest.raises(CommandError, match="exist only in the demo"):
        create()

    assert not User.objects.exists()


def test_second_run_brings_them_back_to_what_is_promised(demo):
    create()
    vera = User.objects.get(username="vera")
    vera.set_password("changed meanwhile")
    vera.is_active = False
    vera.save()
    vera.groups.set([Group.objects.get(name="administrator"), Group.objects.get(name="demo")])

    printed = create(verbosity=0)

    assert (people(), printed) == (AS_PROMISED, "")
    assert User.objects.get(username="vera").check_password("demo")


def test_second_run_ends_no_session_by_writing_an_unchanged_password_anew(demo):
    create()
    before = dict(User.objects.values_list("username", "password"))

    create()

    assert dict(User.objects.values_list("username", "password")) == before


def test_account_of_somebody_else_is_never_taken_over(demo):
    anna = a_user("anna", "viewer")

    with pytest.raises(CommandError, match="An account named anna is here already and is not the demo's"):
        create()

    anna.refresh_from_db()
    assert anna.check_password("anna's long password")
    # All or none of them.
    assert list(people()) == ["anna"]
