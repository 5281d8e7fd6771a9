import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils.timezone import now

from replication.admin.reading import AuditAdmin
from replication.models import AuditAction, Look, WorkerBeat
from replication.services import audit
from tests.builders import (
    NOW,
    a_backup,
    a_batch,
    a_check,
    a_day,
    a_project,
    a_record,
    a_replication,
    a_target,
    a_user,
    a_vault,
    an_attempt,
    an_operation_log,
    an_origin,
)

AUDIT_PAGES = sorted(
    (model._meta.label_lower for model, page in admin.site._registry.items() if isinstance(page, AuditAdmin)),
)
SHOWN = [
    "admin.logentry",
    "replication.attempt",
    "replication.auditentry",
    "replication.backup",
    "replication.batch",
    "replication.check",
    "replication.cloudreading",
    "replication.operationlog",
    "replication.project",
    "replication.recoverytarget",
    "replication.region",
    "replication.replicaorigin",
    "replication.replication",
    "replication.replicationrecord",
    "replication.vault",
    "replication.vaultday",
    "replication.workerbeat",
]


def address(label, page="changelist", *args):
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def fill(n):
    """Add one row to every list, each with the rows that it refers to."""
    person = a_user(f"oskar-{n}", "operator")
    source = a_vault(name=f"vault-{n}")
    backup = a_backup(vault=source)
    first = a_replication(source=a_vault(name=f"vault-first-{n}"), actor=person, status="partial")
    batch = a_batch(actor=person, retry_of=first)
    replication = a_replication(source=source, actor=person, status="running", batch=batch)
    a_record(replication=replication, source_backup=backup, backup_id=backup.backup_id)
    audit.record(
        AuditAction.REQUESTED, now=NOW, actor=person, replication=replication, request_id=f"request-{n}"
    )
    Look.objects.create(replication=replication, at=NOW, complete=True)
    a_check(source=source, destination=replication.destination, actor=person)
    an_attempt(replication=replication)
    a_target(vault=source)
    WorkerBeat.objects.create(worker_id=f"worker-{n}", started_at=NOW, seen_at=NOW)
    an_operation_log(vault=source)
    an_origin(source=source, backup_id=backup.backup_id, replica_id=f"replica-{n}")
    a_day(vault=source)
    a_project(f"eu-de_team{n}", cloud=f"team-{n}")
    LogEntry.objects.create(
        user=person,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(person.pk),
        object_repr=person.username,
        action_flag=CHANGE,
        action_time=now(),
    )
    return replication


def test_everything_that_is_remembered_has_a_page():
    assert AUDIT_PAGES == SHOWN


def test_queue_is_not_shown_beside_the_history():
    assert sorted(model._meta.label_lower for model in admin.site._registry) == sorted(
        [*SHOWN, "auth.group", "auth.user", "replication.ratecard"]
    )


@pytest.mark.parametrize("label", SHOWN)
@pytest.mark.parametrize("person", ["anna", "adam"])
def test_auditor_and_administrator_read_lists_and_rows(client, request, label, person):
    client.force_login(request.getfixturevalue(person))
    fill(1)
    row = next(model for model in admin.site._registry if model._meta.label_lower == label).objects.first()

    listed = client.get(address(label))
    shown = client.get(address(label, "change", row.pk))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert listed.context["cl"].result_count >= 1


@pytest.mark.parametrize("label", SHOWN)
@pytest.mark.parametrize("person", ["vera", "oskar"])
def test_viewer_and_operator_read_nothing_here(client, request, label, person):
    client.force_login(request.getfixturevalue(person))

    assert client.get(address(label), follow=True).status_code == 403
    assert client.post(address(label, "export"), follow=True).status_code == 403


@pytest.mark.parametrize("label", SHOWN)
@pytest.mark.parametrize("person", ["anna", "adam", "root"])
def test_nobody_adds_changes_or_deletes(client, request, db, label, person):
    actor = User.objects.create_superuser("root") if person == "root" else request.getfixturevalue(person)
    client.force_login(actor)
    fill(1)
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    row = model.objects.first()
    before = list(model.objects.values_list())

    answers = [
        client.get(address(label, "add")),
        client.post(address(label, "add"), {}),
        client.post(address(label, "change", row.pk), {"name": "another"}),
        client.get(address(label, "delete", row.pk)),
        client.post(address(label, "delete", row.pk), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert list(model.objects.values_list()) == before


@pytest.mark.parametrize("label", SHOWN)
def test_number_of_queries_of_a_list_does_not_grow_with_its_rows(
    client, anna, label, django_assert_max_num_queries
):
    client.force_login(anna)
    counts = []
    for n in range(3):
        fill(n)
        with django_assert_max_num_queries(20) as queries:
            client.get(address(label))
        counts.append(len(queries))

    assert counts[1] == counts[2]


def test_number_of_queries_of_a_replication_does_not_grow_with_its_records(
    client, anna, django_assert_max_num_queries
):
    client.force_login(anna)
    replication = fill(1)
    counts = []
    for _ in range(3):
        a_record(replication=replication)
        audit.record(AuditAction.ACCEPTED, now=NOW, replication=replication)
        with django_assert_max_num_queries(20) as queries:
            client.get(address("replication.replication", "change", replication.pk))
        counts.append(len(queries))

    assert counts[1] == counts[2]


@pytest.mark.parametrize("label", SHOWN)
def test_date_hierarchy_and_filters_of_a_list_work(client, anna, label):
    client.force_login(anna)
    fill(1)
    changelist = client.get(address(label)).context["cl"]
    queries = [
        choice["query_string"] for spec in changelist.filter_specs for choice in spec.choices(changelist)
    ]
    if changelist.date_hierarchy:
        queries.append(f"?{changelist.date_hierarchy}__year=2026")

    statuses = {query: client.get(address(label) + query).status_code for query in queries}

    assert set(statuses.values()) <= {200}


@pytest.mark.parametrize(
    "query", ["?status__exact=", "?p=99", "?requested_at__year=x", "?no_such_field=1", "?o=99", "?q=%00"]
)
def test_list_survives_an_address_that_somebody_made_up(client, anna, query):
    client.force_login(anna)

    assert client.get(address("replication.replication") + query, follow=True).status_code in {200, 400}


def test_replication_is_found_by_every_id_that_belongs_to_it(client, anna):
    client.force_login(anna)
    fill(1)
    wanted = fill(2)
    type(wanted).objects.filter(pk=wanted.pk).update(cloud_request_id="req-of-the-cloud")
    record = wanted.records.get()
    terms = [
        str(wanted.pk),
        wanted.reference,
        wanted.vault_id,
        wanted.destination_vault_id,
        record.replication_record_id,
        record.backup_id,
        "request-2",
        "req-of-the-cloud",
        "vault-2",
    ]

    found = {
        term: [
            row.pk
            for row in client.get(address("replication.replication"), {"q": term}).context["cl"].queryset
        ]
        for term in terms
    }

    assert found == {term: [wanted.pk] for term in terms}


def test_audit_entry_and_record_are_found_by_the_id_of_their_replication(client, anna):
    client.force_login(anna)
    fill(1)
    wanted = fill(2)

    entries = client.get(address("replication.auditentry"), {"q": str(wanted.pk)}).context["cl"].queryset
    records = (
        client.get(address("replication.replicationrecord"), {"q": wanted.reference}).context["cl"].queryset
    )

    assert list(entries) == list(wanted.audit_entries.all())
    assert list(records) == list(wanted.records.all())


def test_vault_and_backup_are_found_by_their_ids_in_the_cloud(client, anna):
    client.force_login(anna)
    fill(1)
    wanted = fill(2)
    backup = wanted.source_vault.backups.get()

    vaults = client.get(address("replication.vault"), {"q": wanted.vault_id}).context["cl"].queryset
    backups = client.get(address("replication.backup"), {"q": backup.backup_id}).context["cl"].queryset

    assert (list(vaults), list(backups)) == ([wanted.source_vault], [backup])


def test_replication_leads_to_its_own_page_and_not_to_an_empty_history(client, anna):
    client.force_login(anna)
    replication = fill(1)

    page = client.get(address("replication.replication", "change", replication.pk)).content.decode()

    assert f'href="{reverse("replication-detail", args=[replication.pk])}"' in page
    assert "historylink" not in page


@pytest.mark.parametrize("label", SHOWN)
@pytest.mark.parametrize(
    "query",
    [
        "?p=99&o=99&all=x",
        "?q=%00",
        "?q=" + "x" * 500,
        "?no_such_field=1",
        "?pk__exact=x",
        "?id__exact=%00",
        "?e=1",
        "?seen_at__year=99999&at__year=x&changed_at__month=44",
        "?status__exact=%00&name__exact=%00&worker_id__exact=%00&action__exact=%00&cloud__exact=%00",
    ],
)
def test_every_list_answers_an_address_that_somebody_made_up(client, anna, label, query):
    client.force_login(anna)
    fill(1)

    assert client.get(address(label) + query, follow=True).status_code in {200, 400}


@pytest.mark.parametrize("label", SHOWN)
@pytest.mark.parametrize("row", ["x", "0", "00000000-0000-0000-0000-000000000000", "_00", "%C3%BC"])
def test_row_that_does_not_exist_leads_back(client, anna, label, row):
    client.force_login(anna)

    answer = client.get(address(label, "change", row), follow=True)

    assert answer.redirect_chain[-1][0] == "/admin/"


@pytest.mark.parametrize("label", ["replication.replication", "replication.vault", "replication.backup"])
def test_names_from_the_cloud_are_shown_as_text(client, anna, label):
    client.force_login(anna)
    payload = "\"><script>alert('1')</script>"
    vault = a_vault(name=payload)
    a_backup(vault=vault, name=payload, resource_name=payload)
    a_replication(source=vault, reason=payload)
    row = next(model for model in admin.site._registry if model._meta.label_lower == label).objects.get(
        **{"name": payload} if label != "replication.replication" else {}
    )

    pages = [client.get(one).content.decode() for one in (address(label), address(label, "change", row.pk))]

    assert [("<script>alert" in page, "&lt;script&gt;alert" in page) for page in pages] == [(False, True)] * 2


def test_audit_tells_statuses_and_times_as_the_pages_do(client, anna):
    client.force_login(anna)
    replication = fill(1)
    audit.record(
        AuditAction.FINISHED, now=NOW, replication=replication, from_status="running", to_status="partial"
    )

    listed = client.get(address("replication.auditentry")).content.decode()
    shown = client.get(address("replication.replication", "change", replication.pk)).content.decode()

    assert '<td class="field-before">Running</td><td class="field-after">Partly succeeded</td>' in listed
    assert "2026-11-24 13:00:00 CET" in shown
