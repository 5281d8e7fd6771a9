"""Words for a refusal."""

import pytest

from replication.roles import RIGHT_WORDS, NotPermitted, Right, Role
from replication.templatetags.refusals import what, whom_to_ask


@pytest.mark.parametrize("right", list(Right))
def test_every_right_has_words_and_somebody_to_ask(right):
    refusal = NotPermitted(right)

    assert what(refusal) == RIGHT_WORDS[right]
    assert whom_to_ask(refusal)


def test_roles_are_named_as_people_call_them():
    assert whom_to_ask(NotPermitted(Right.VIEW)) == [role.value.title() for role in Role]
    assert whom_to_ask(NotPermitted(Right.TRIGGER)) == ["Operator"]
