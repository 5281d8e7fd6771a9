"""What forms take and refuse, whatever a browser sends."""

import uuid

import pytest

from replication.filters import HistoryFilterForm, VaultFilterForm
from replication.forms import ReasonForm, ReplicationForm, judge_source
from replication.services.preflight import Destination
from tests.builders import (
    NOW,
    a_backup,
    a_project,
    a_recovery_project,
    a_region,
    a_replication,
    a_replication_vault,
    a_user,
    a_vault,
)


@pytest.fixture
def ends(db):
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source)
    return source, destination


def chosen(source, destination, /, **changes):
    """Return what a browser sends that has chosen everything from the menus."""
    return {
        "key": str(uuid.uuid4()),
        "vault": str(source.pk),
        "region": destination.project.region.name,
        "project": str(destination.project.pk),
        "destination": str(destination.pk),
        **changes,
    }


def typed(source, **changes):
    return {
        "key": str(uuid.uuid4()),
        "vault": str(source.pk),
        "typed_region": "eu-nl",
        "typed_project_id": "a1b2",
        "typed_vault_id": "c3-d4",
        **changes,
    }


def errors_of(form):
    return {name: [str(error) for error in errors] for name, errors in form.errors.items()}


def test_choices_become_a_wish(ends):
    source, destination = ends
    form = ReplicationForm(chosen(source, destination, auto_trigger="on"))

    assert errors_of(form) == {}
    target = form.destination_of()
    assert target == Destination(
        region="eu-nl",
        project_id=destination.project.project_id,
        vault_id=destination.vault_id,
        vault=destination,
    )
    wish = form.wish(target, "Exercise")
    assert (wish.source, wish.destination, wish.reason, wish.auto_trigger) == (
        source,
        target,
        "Exercise",
        True,
    )


def test_typed_ids_become_a_destination_of_their_own(ends):
    source, _destination = ends
    form = ReplicationForm(typed(source))

    assert errors_of(form) == {}
    assert form.destination_of() == Destination(
        region="eu-nl", project_id="a1b2", vault_id="c3-d4", vault=None
    )


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"vault": ""}, {"vault": ["Choose the vault that is to be replicated."]}),
        ({"vault": str(uuid.UUID(int=1))}, {"vault": ["This vault is not in the inventory."]}),
        ({"vault": "x"}, {"vault": ["This vault is not in the inventory."]}),
        ({"key": ""}, {"key": ["This field is required."]}),
        ({"key": "12"}, {"key": ["Enter a valid UUID."]}),
        ({"destination": ""}, {"destination": ["Choose the vault that takes the replicas."]}),
        ({"destination": "x"}, {"destination": ["Choose the vault that takes the replicas."]}),
        ({"region": "eu-de"}, {"region": ["eu-de: A vault cannot be replicated within its own region."]}),
    ],
)
def test_choice_that_is_missing_or_unfit_is_refused_with_its_reason(ends, changes, errors):
    a_region("eu-ch2")
    source, destination = ends
    source.project.region.replication_destinations = None
    source.project.region.save()

    assert errors_of(ReplicationForm(chosen(source, destination, **changes))) == errors


def test_only_the_first_missing_choice_is_named(ends):
    source, destination = ends
    a_recovery_project()
    a_project("eu-nl_archive", cloud="archive")

    nowhere = ReplicationForm(chosen(source, destination, project="", destination=""))

    assert errors_of(nowhere) == {"project": ["Choose the project to replicate to."]}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "lock"}, "vault-x: Its status is “lock”, not “available”."),
        (
            {"object_type": "disk"},
            "vault-x: It holds backups of type “disk”; only vaults for servers can be replicated.",
        ),
        ({"vanished_at": NOW}, "vault-x: The cloud no longer lists it."),
        (
            {"protect_type": "replication"},
            "vault-x: It holds replicas, and replicas cannot be replicated again.",
        ),
    ],
)
def test_unfit_source_is_refused_with_its_reason(ends, fields, reason):
    unfit = a_vault(name="vault-x", **fields)

    form = ReplicationForm(chosen(unfit, ends[1]))

    assert errors_of(form)["vault"] == [reason]


def test_source_without_present_backups_is_refused(ends):
    empty = a_vault(name="vault-x")
    a_backup(vault=empty, vanished_at=NOW)

    form = ReplicationForm(chosen(empty, ends[1]))

    assert errors_of(form)["vault"] == ["vault-x: It has no backups."]


def test_vault_is_judged_by_itself_before_what_it_holds(db):
    locked = a_vault(status="lock")

    assert [judge_source(locked, backups).code for backups in (0, 3)] == ["BackupService.6112"] * 2
    assert judge_source(a_vault(), 0).code == "BackupService.0001"
    assert judge_source(a_vault(), 1) is None


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"typed_vault_id": ""},
            {"typed_vault_id": ["Typing IDs by hand needs all three of them."]},
        ),
        (
            {"typed_region": "", "typed_project_id": ""},
            {
                "typed_region": ["Typing IDs by hand needs all three of them."],
                "typed_project_id": ["Typing IDs by hand needs all three of them."],
            },
        ),
        (
            {"typed_region": "eu nl"},
            {"typed_region": ["A region is up to 255 letters, digits, dots, underscores and hyphens."]},
        ),
        (
            {"typed_project_id": "../x", "typed_vault_id": "x" * 65},
            {
                "typed_project_id": ["An ID is up to 64 letters, digits and hyphens."],
                "typed_vault_id": ["An ID is up to 64 letters, digits and hyphens."],
            },
        ),
        ({"typed_vault_id": "a\nb"}, {"typed_vault_id": ["An ID is up to 64 letters, digits and hyphens."]}),
    ],
)
def test_typed_ids_are_complete_and_well_formed(ends, changes, errors):
    assert errors_of(ReplicationForm(typed(ends[0], **changes))) == errors


def test_choosing_and_typing_at_once_is_refused(ends):
    source, destination = ends

    form = ReplicationForm(chosen(source, destination, **typed(source)))

    assert errors_of(form) == {
        "destination": [
            "A vault is chosen and IDs are typed as well. Empty the typed IDs, or choose no vault."
        ]
    }


def test_invalid_form_has_neither_source_nor_destination(ends):
    form = ReplicationForm({"key": str(uuid.uuid4())})
    assert not form.is_valid()

    with pytest.raises(ValueError, match="source"):
        _ = form.source
    with pytest.raises(ValueError, match="destination"):
        form.destination_of()


def test_choosing_costs_four_queries_however_many_vaults(ends, django_assert_num_queries):
    for number in range(20):
        a_backup(vault=a_vault(name=f"vault-{number}"))

    with django_assert_num_queries(4):
        ReplicationForm(chosen(*ends))


@pytest.mark.parametrize(
    ("reason", "kept"),
    [("  Two\n\n lines\t", "Two lines"), ("x" * 500, "x" * 500), ("=1+1", "=1+1")],
)
def test_reason_is_kept_on_one_line(reason, kept):
    form = ReasonForm({"reason": reason})

    assert (form.is_valid(), form.cleaned_data["reason"]) == (True, kept)


@pytest.mark.parametrize("reason", ["", " \n ", "ab", "x" * 501, "null\0byte"])
def test_reason_that_says_nothing_is_refused(reason):
    assert not ReasonForm({"reason": reason}).is_valid()


def test_history_filter_offers_what_there_is(db):
    replication = a_replication()
    a_user("nina", "operator")

    form = HistoryFilterForm({})

    assert form.is_valid()
    assert (form.page_size, form.is_narrowed) == (25, False)
    assert [label for _value, label in form.fields["vault"].choices] == [
        "All",
        "eu-de / eu-de_production / vault-orders-db",
    ]
    assert [str(label) for _value, label in form.fields["region"].choices] == ["All", "eu-de", "eu-nl"]
    assert [str(label) for _value, label in form.fields["person"].choices] == [
        "Everybody",
        replication.actor.username,
    ]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ({"status": "active", "size": "50"}, {"status": "active", "size": 50}),
        (
            {
                "status": "x",
                "vault": "x",
                "region": "x",
                "person": "x",
                "since": "x",
                "until": "x",
                "size": "x",
            },
            {},
        ),
        ({"since": "0001-01-01", "until": "9999-12-31"}, {}),
        ({"q": "x" * 256}, {}),
        ({"q": "\0", "region": "\0", "person": "\0", "vault": "\0"}, {}),
    ],
)
def test_history_filter_leaves_out_what_it_does_not_understand(db, address, kept):
    form = HistoryFilterForm(address)
    form.is_valid()

    assert {name: value for name, value in form.cleaned_data.items() if value} == kept
    assert {message for errors in errors_of(form).values() for message in errors} <= {
        "Not understood, so it is left out."
    }


def test_number_of_rows_alone_does_not_narrow_the_list(db):
    form = HistoryFilterForm({"size": "100"})
    form.is_valid()

    assert (form.page_size, form.is_narrowed) == (100, False)


def test_vault_filter_offers_projects_that_have_vaults(db):
    vault = a_vault()
    a_project("eu-de_empty", cloud="empty")

    form = VaultFilterForm({"project": vault.project.project_id})

    assert form.is_valid()
    assert form.is_narrowed
    assert [str(label) for _value, label in form.fields["project"].choices] == [
        "All",
        "eu-de / eu-de_production",
    ]
