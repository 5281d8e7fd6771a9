"""Who may do what: every right for every role, written out by hand."""

import pytest
from django.contrib.auth.models import AnonymousUser

from replication.roles import NotPermitted, Right, Role, can, require
from tests.builders import a_user

#                      view  refresh trigger withdraw settle audit users
TABLE = {
    "viewer":         "yes   -       -       -        -      -     -",
    "operator":       "yes   yes     yes     yes      yes    -     -",
    "auditor":        "yes   -       -       -        -      yes   -",
    "administrator":  "yes   yes     -       -        -      yes   yes",
}  # fmt: skip


@pytest.mark.parametrize("role", TABLE)
def test_rights_of_a_role(db, role):
    user = a_user("somebody", role)

    allowed = ["yes" if can(user, right) else "-" for right in Right]

    assert allowed == TABLE[role].split()


def test_every_role_is_in_the_table():
    assert list(TABLE) == [role.value for role in Role]


def test_rights_of_several_roles_add_up(db):
    user = a_user("somebody", "operator", "auditor")

    assert {right for right in Right if not can(user, right)} == {Right.MANAGE_USERS}


def test_user_without_a_role_may_do_nothing(db):
    user = a_user("nobody")

    assert [right for right in Right if can(user, right)] == []


def test_anonymous_and_inactive_may_do_nothing(db):
    inactive = a_user("gone", "operator")
    inactive.is_active = False

    assert [right for right in Right if can(AnonymousUser(), right) or can(inactive, right)] == []


def test_superuser_is_an_administrator_and_no_operator(db):
    user = a_user("root")
    user.is_superuser = True

    assert can(user, Right.MANAGE_USERS)
    assert not can(user, Right.TRIGGER)


def test_refusal_names_the_roles_to_ask(vera):
    with pytest.raises(NotPermitted) as refused:
        require(vera, Right.TRIGGER)

    assert (refused.value.right, refused.value.roles) == (Right.TRIGGER, (Role.OPERATOR,))
