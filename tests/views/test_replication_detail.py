"""One replication: how it stands, its backups, what happened, and the fragment that keeps all of it fresh."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.lifecycle import ReplicationStatus
from replication.models import AuditAction, Look, Replication
from replication.services import audit
from tests.builders import NOW, a_record, a_replication, a_vault
from tests.views.site import text_of


def address(replication, name="detail"):
    return reverse(f"replication-{name}", args=[replication.pk])


def polls_of(page):
    return [found.replace("&amp;", "&") for found in re.findall(r'hx-get="([^"]+)"', page)]


def with_records(replication, **statuses):
    for status, number in statuses.items():
        for _record in range(number):
            a_record(replication=replication, status=status)
    return replication


def arrived(replication, number):
    for _record in range(number):
        a_record(replication=replication, status="succeeded", arrived_at=NOW)
    return replication


@pytest.mark.parametrize(
    ("fields", "records", "sentence"),
    [
        ({"status": "requested"}, {}, "It is written down, and nothing was sent yet."),
        (
            {"status": "requested", "attempt": 2},
            {},
            "It could not be delivered in 2 attempts, so nothing was started.",
        ),
        (
            {"status": "requested", "rearmed": True},
            {},
            "A person decided that it was never started. A worker sends it again within seconds.",
        ),
        ({"status": "submitting"}, {}, "A worker is sending it to the cloud."),
        (
            {"status": "unconfirmed"},
            {},
            "It was sent, but nobody knows whether the cloud carried it out. Do not start it again:",
        ),
        (
            {"status": "unconfirmed", "adoption_allowed": True},
            {},
            "A person allowed to take over what the cloud shows. The next look does so.",
        ),
        ({"status": "running"}, {"waiting": 2}, "The cloud accepted it and named 2 backups."),
        (
            {"status": "succeeded"},
            {},
            "The cloud accepted it and found no backup that still had to be replicated.",
        ),
        (
            {"status": "succeeded"},
            {"skipped": 2},
            "The cloud accepted it, but skipped every backup. Nothing was copied.",
        ),
        (
            {"status": "succeeded", "check_after": NOW},
            {"succeeded": 2},
            (
                "The source region says that 2 of 2 backups are copied. "
                "2 replicas have not been seen in the destination vault yet; they are still being looked for."
            ),
        ),
        (
            {"status": "succeeded"},
            {"succeeded": 1, "skipped": 1},
            (
                "The source region says that 1 of 2 backups are copied. "
                "1 replica was not seen in the destination vault, and it is no longer looked for."
            ),
        ),
        (
            {"status": "partial"},
            {"succeeded": 1, "failed": 1},
            "The others were not, for the reasons below; a new replication takes on what is missing.",
        ),
        (
            {"status": "failed"},
            {"failed": 2},
            "The cloud accepted it, but copied none of the backups. The reasons stand below.",
        ),
        (
            {"status": "failed", "attempt": 5},
            {},
            "It could not be delivered in 5 attempts and was given up. Nothing was started.",
        ),
        ({"status": "rejected"}, {}, "The cloud declined the request. Nothing was started."),
        (
            {"status": "cancelled", "submitted_at": None},
            {},
            "It was withdrawn before anything was sent.",
        ),
        (
            {"status": "cancelled"},
            {},
            "It was withdrawn. As far as anybody could find out, nothing was started.",
        ),
    ],
)
def test_sentence_says_what_is_known_and_what_happens_next(client, vera, fields, records, sentence):
    replication = with_records(a_replication(**fields), **records)
    client.force_login(vera)

    assert sentence in text_of(client.get(address(replication)))


def test_arrived_replicas_are_called_arrived(client, vera):
    replication = arrived(a_replication(status="succeeded"), 2)
    client.force_login(vera)

    page = text_of(client.get(address(replication)))

    assert "2 backups were copied, and all of them have been seen in the destination vault." in page
    assert "Arrived 2" in page


def test_every_status_has_a_page(client, vera):
    client.force_login(vera)

    answers = {
        status: client.get(address(a_replication(source=a_vault(name=status), status=status)))
        for status in ReplicationStatus
    }

    assert {
        status: str(status.label) in text_of(answer)
        for status, answer in answers.items()
        if status != "succeeded"
    } == {status: True for status in ReplicationStatus if status != "succeeded"}
    assert "Nothing to replicate" in text_of(answers["succeeded"])


def test_page_tells_who_asked_for_what_and_why(client, vera, oskar):
    replication = a_replication(
        status="succeeded",
        actor=oskar,
        auto_trigger=True,
        cloud_request_id="req-7",
        submitted_at=NOW,
        finished_at=NOW + timedelta(minutes=38, seconds=12),
    )
    client.force_login(vera)

    answer = client.get(address(replication))

    page = text_of(answer)
    assert (
        f"Replication ID {replication.pk} Requested by oskar Reason Quarterly recovery exercise "
        "Requested 2026-11-24 13:00 CET Sent 2026-11-24 13:00 CET Finished 2026-11-24 13:38 CET after 38 min 12 s "
        "Cloud's request ID req-7 auto_trigger on"
    ) in page.replace("&#x27;", "'")
    assert 'title="2026-11-24 13:38:12 CET"' in answer.content.decode()
    assert f'data-copy="{replication.pk}"' in answer.content.decode()


def test_times_are_shown_in_the_zone_of_the_browser(client, vera):
    replication = a_replication(status="succeeded")
    client.force_login(vera)
    client.cookies["timezone"] = "Asia/Tokyo"
    there = text_of(client.get(address(replication)))
    client.cookies["timezone"] = "Nowhere/Atlantis"
    unknown = text_of(client.get(address(replication)))

    assert "Requested 2026-11-24 21:00 JST" in there
    assert "Requested 2026-11-24 13:00 CET" in unknown


def test_records_stand_by_what_needs_a_look_and_show_their_ids(client, vera):
    replication = a_replication(status="running")
    order = ["failed", "timed_out", "running", "unknown", "waiting", "succeeded", "skipped"]
    records = {status: a_record(replication=replication, status=status) for status in reversed(order)}
    client.force_login(vera)

    answer = client.get(address(replication))

    page = answer.content.decode()
    assert [record.status for record in answer.context["shown"]] == order
    for record in records.values():
        assert f'data-copy="{record.backup_id}"' in page
        assert f'data-copy="{record.replication_record_id}"' in page


def test_record_tells_the_clouds_word_and_where_it_was_read(client, vera):
    replication = a_replication(status="running")
    a_record(
        replication=replication,
        status="running",
        cloud_status="replicating",
        evidence="replication_records",
        progress_percent=42,
        read_at=timezone.now(),
        destination_backup_id="replica-1",
    )
    client.force_login(vera)

    page = text_of(client.get(address(replication)))

    assert "Being copied replicating from the replication records, now 42 %" in page
    assert "Replica replica-1" in page


def test_long_list_shows_the_first_hundred_and_leads_to_all_of_them(client, vera):
    replication = with_records(a_replication(status="running"), waiting=101)
    failed = a_record(replication=replication, status="failed")
    client.force_login(vera)

    answer = client.get(address(replication))

    assert [len(answer.context["shown"]), answer.context["shown"][0]] == [100, failed]
    assert "The first 100 of 102. All of them, to sort, search and download" in text_of(answer)
    assert f'href="/replications/{replication.pk}/backups/"' in answer.content.decode()


def test_faults_are_explained_and_grouped_by_code(client, vera):
    replication = a_replication(status="partial")
    for _record in range(3):
        a_record(
            replication=replication,
            status="failed",
            error_code="BackupService.6129",
            error_message="Vault full.",
        )
    a_record(replication=replication, status="failed", error_code="Odd.1", error_message="Who knows.")
    client.force_login(vera)

    answer = client.get(address(replication))

    faults = [
        (fault.code, fault.message, fault.backups, fault.explanation is not None)
        for fault in answer.context["snapshot"].faults
    ]
    page = text_of(answer)
    assert sorted(faults) == [
        ("BackupService.6129", "Vault full.", 3, True),
        ("Odd.1", "Who knows.", 1, False),
    ]
    assert "The destination vault is full 3 backups" in page
    assert "Was anything started?" in page
    assert "Is trying again safe?" in page
    assert "What to do" in page


def test_refused_replication_explains_the_clouds_code(client, vera):
    replication = a_replication(
        status="rejected",
        error_code="BackupService.6130",
        error_message="The vault is being replicated.",
        cloud_request_id="req-9",
    )
    client.force_login(vera)

    page = text_of(client.get(address(replication)))

    assert "As recorded BackupService.6130 The vault is being replicated." in page
    assert "The cloud named none." in page


def test_support_block_holds_what_the_clouds_support_asks_for(client, vera):
    replication = a_replication(
        status="partial",
        error_code="",
        cloud_request_id="req-9",
        submitted_at=NOW,
        finished_at=NOW + timedelta(hours=1),
        response={"replication": {"note": "<b>"}},
    )
    a_record(replication=replication, status="failed", error_code="BackupService.1006", error_message="No.")
    client.force_login(vera)

    answer = client.get(address(replication))

    assert answer.context["snapshot"].support == "\n".join(
        [
            f"replication: {replication.pk}",
            "status: partial",
            f"source: eu-de / {replication.source_project_id} / {replication.vault_id}",
            f"destination: eu-nl / {replication.destination_project_id} / {replication.destination_vault_id}",
            "requested: 2026-11-24T12:00:00Z",
            "sent: 2026-11-24T12:00:00Z",
            "finished: 2026-11-24T13:00:00Z",
            "X-Request-Id: req-9",
            "backups: 1 x BackupService.1006",
        ]
    )
    assert "&quot;note&quot;: &quot;&lt;b&gt;&quot;" in answer.content.decode()


def test_what_happened_is_told_in_order_with_reasons_and_errors(client, vera, oskar):
    replication = a_replication(status="unconfirmed")
    audit.record(AuditAction.REQUESTED, now=NOW, actor=oskar, replication=replication, reason="Exercise")
    audit.record(
        AuditAction.UNCONFIRMED, now=NOW, replication=replication, code="no_answer", message="The line broke."
    )
    client.force_login(vera)

    page = text_of(client.get(address(replication)))

    assert (
        "Requested 2026-11-24 13:00 CET · oskar Exercise "
        "Outcome unclear 2026-11-24 13:00 CET · the worker no_answer The line broke."
    ) in page


@pytest.mark.parametrize(
    ("who", "offered"), [("oskar", True), ("vera", False), ("anna", False), ("adam", False)]
)
def test_only_operators_are_offered_to_withdraw_or_settle(client, request, who, offered):
    client.force_login(request.getfixturevalue(who))
    queued = a_replication()
    unclear = a_replication(source=a_vault(name="unclear"), status="unconfirmed", submitted_at=NOW)
    Look.objects.create(replication=unclear, at=NOW, complete=True, found=1)

    pages = [text_of(client.get(address(one))) for one in (queued, unclear)]

    assert "What the cloud shows of it" in pages[1]
    assert (
        "Nothing was sent yet, so nothing has to be undone." in pages[0],
        "Settle it by hand" in pages[1],
        "Take over what was found" in pages[1],
    ) == (offered,) * 3


def test_settling_opens_once_enough_looks_found_nothing(client, oskar):
    client.force_login(oskar)
    sent = timezone.now() - timedelta(hours=2)
    replication = a_replication(status="unconfirmed", submitted_at=sent)
    closed = client.get(address(replication)).content.decode()
    for number in range(3):
        Look.objects.create(replication=replication, at=sent + timedelta(minutes=31 + number), complete=True)
    opened = client.get(address(replication)).content.decode()

    assert ("Nobody has looked yet." in closed, 'disabled aria-describedby="gap"' in closed) == (True, True)
    assert address(replication, "rearm") in opened
    assert address(replication, "give-up") in opened
    assert address(replication, "adopt") not in opened


def test_typed_destination_is_shown_by_its_ids(client, vera):
    replication = a_replication()
    Replication.objects.filter(pk=replication.pk).update(destination=None)
    client.force_login(vera)

    page = client.get(address(replication)).content.decode()

    assert f'data-copy="{replication.destination_vault_id}"' in page
    assert "eu-nl / " + replication.destination_project_id in page


@pytest.mark.parametrize(
    ("fields", "polls"),
    [
        ({"status": "requested"}, 1),
        ({"status": "running"}, 1),
        ({"status": "succeeded", "check_after": NOW}, 1),
        ({"status": "succeeded"}, 0),
        ({"status": "cancelled"}, 0),
    ],
)
def test_page_asks_again_only_while_something_can_change_and_in_one_place(client, vera, fields, polls):
    replication = a_replication(**fields)
    client.force_login(vera)

    page = client.get(address(replication)).content.decode()

    assert (page.count("hx-trigger"), len(polls_of(page))) == (polls, polls)
    assert ("Reload to see what is new" in page) == bool(polls)


def test_poll_is_empty_until_something_changed_and_ends_by_itself(client, vera):
    replication = with_records(a_replication(status="running", changed_at=timezone.now()), waiting=1)
    client.force_login(vera)
    [poll] = polls_of(client.get(address(replication)).content.decode())

    unchanged = client.get(poll)
    Replication.objects.filter(pk=replication.pk).update(version=2)
    changed = client.get(poll)
    Replication.objects.filter(pk=replication.pk).update(
        version=3, status="succeeded", finished_at=NOW, check_after=None
    )
    [next_poll] = polls_of(changed.content.decode())
    last = client.get(next_poll)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert (changed.status_code, b'id="progress"' in changed.content, b"<html" in changed.content) == (
        200,
        True,
        False,
    )
    assert (last.status_code, polls_of(last.content.decode())) == (200, [])
    assert 'data-announcement="Succeeded: 0 of 1 backup copied, 0 arrived."' in last.content.decode()


def test_waiting_one_says_why_and_asks_again_when_the_reason_changes(client, vera, settings):
    settings.REPLICATION_REGION_LIMIT = 1
    running = a_replication(status="running")
    waiting = a_replication(source=a_vault(name="vault-mail"), destination=running.destination)
    client.force_login(vera)

    page = client.get(address(waiting)).content.decode()
    [poll] = polls_of(page)
    unchanged = client.get(poll)
    Replication.objects.filter(pk=running.pk).update(status="succeeded", finished_at=NOW, check_after=None)
    changed = client.get(poll)

    assert (
        "It is written down, and nothing was sent yet. "
        "Waits: 1 of at most 1 replications to eu-nl are under way." in page
    )
    assert (unchanged.status_code, changed.status_code) == (204, 200)
    assert "A worker sends it within seconds." in changed.content.decode()


def test_silence_is_news(client, vera):
    replication = a_replication(status="running", changed_at=timezone.now())
    client.force_login(vera)
    [poll] = polls_of(client.get(address(replication)).content.decode())
    Replication.objects.filter(pk=replication.pk).update(changed_at=timezone.now() - timedelta(hours=1))

    answer = client.get(poll)

    assert (answer.status_code, "No news since" in answer.content.decode()) == (200, True)


def test_announcement_changes_with_each_quarter_only(client, vera):
    replication = with_records(a_replication(status="running"), succeeded=1, waiting=7)
    client.force_login(vera)

    page = client.get(address(replication)).content.decode()

    assert 'data-announcement="Running: 0 % of the backups are over."' in page


def test_hostile_names_are_shown_as_text_everywhere(client, vera):
    payload = "\"><script>alert('1')</script>"
    replication = a_replication(
        source=a_vault(name=payload),
        status="partial",
        reason=payload,
        error_code=payload[:60],
        error_message=payload,
    )
    a_record(
        replication=replication,
        status="failed",
        backup_name=payload,
        resource_name=payload,
        error_code=payload[:60],
        error_message=payload,
        cloud_status=payload[:60],
        backup_id=payload[:60],
    )
    audit.record(
        AuditAction.REQUESTED, now=NOW, replication=replication, reason=payload, message=payload, code=payload
    )
    client.force_login(vera)

    page = client.get(address(replication)).content.decode()

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(&#x27;1&#x27;)") >= 10


@pytest.mark.parametrize("query", ["?all", "?version=%00", "?version=" + "9" * 999, "?all[]=1&x=%F0%9F"])
@pytest.mark.parametrize("name", ["detail", "records"])
def test_nonsense_in_the_address_gives_a_page(client, vera, name, query):
    replication = a_replication(status="running")
    client.force_login(vera)

    assert client.get(address(replication, name) + query).status_code == 200
