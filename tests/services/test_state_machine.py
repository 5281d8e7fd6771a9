"""Whatever happens, in whatever order, to several replications at once: the promises hold after every step.

Hypothesis deals out requests, deaths, lost answers, late awakenings, looks, decisions of people and foreign work, over the
real services, the real client and a sandbox that guards against no double: only our own rules stand between a click and a
second copy. What the sandbox accepted is the truth that our rows are compared with.
"""

import uuid
from collections import Counter, defaultdict
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from replication.cloud import CloudError, OutcomeUnknown
from replication.lifecycle import TRANSITIONS, ReplicationStatus
from replication.models import Attempt, AuditEntry, Replication, Vault
from replication.roles import NotPermitted
from replication.services import connection, progress, reconciliation, spool, submission, sweeping, triggering
from replication.services.triggering import AlreadyActive, KeyReused, NotCancellable, NotSettleable, Wish
from tests.builders import a_user
from tests.journeys.test_sweep import start_elsewhere
from tests.practice import practising

#: How long after its sending the cloud may still act upon a request whose answer nobody waits for any more.
LATEST_PROCESSING = timedelta(minutes=10)
CLOUD = "sandbox-internal"
#: What a worker leaves behind that dies: work of the cloud, none, or some that the cloud begins only later.
LEFT_BEHIND = ["answer", "silence", "late answer"]
PLACES = st.integers(0, 2)
MOMENTS = st.integers(0, 100)
DESTINATIONS = st.sampled_from(["replica-production", "replica-longterm"])
SPOILED_SENDINGS = [
    {"fault": "close_before_reading"},
    {"fault": "reset_mid_reading"},
    {"fault": "close_before_processing"},
    {"fault": "close_after_processing"},
    {"fault": "reset_after_processing"},
    {"fault": "truncate"},
    {"fault": "bad_status_line"},
    {"fault": "status", "status": 202},
    {"fault": "bad_json"},
    {"fault": "foreign_ids"},
    {"fault": "duplicate_record_ids"},
    {"fault": "missing_field", "field": "replication.backups"},
    {"fault": "records_visible_after", "seconds": 1200},
    {"fault": "fail_backup"},
    {"fault": "expire_token"},
    {"fault": "redirect", "status": 307},
    {"fault": "throttle", "retry_after": "20"},
    {"fault": "answer", "status": 401, "shape": "gateway", "code": "APIGW.0307"},
    {"fault": "answer", "status": 400, "code": "BackupService.6119"},
    {"fault": "answer", "status": 400, "code": "BackupService.6130"},
    {"fault": "answer", "status": 400, "code": "BackupService.1009"},
    {"fault": "answer", "status": 500, "code": "BackupService.9998"},
    {"fault": "answer", "status": 500, "processed": True},
    {"fault": "answer", "status": 502, "shape": "html", "processed": True},
    {"fault": "answer", "status": 503, "shape": "empty"},
]
SPOILED_READINGS = [
    {"fault": "answer", "status": 500},
    {"fault": "bad_json"},
    {"fault": "empty_body"},
    {"fault": "expire_token"},
    {"fault": "shifting_pages", "change": "delete"},
]


#: What people may decide: by which service, and where that leads.
DECISIONS = {
    "withdraw": (triggering.withdraw_replication, "cancelled"),
    "rearm": (triggering.rearm_replication, "requested"),
    "give up": (triggering.give_up_replication, "cancelled"),
    "allow adoption": (triggering.allow_adoption, "unconfirmed"),
}


class Life(RuleBasedStateMachine):
    """Several replications of three vaults, from asking to the end, and all that may happen to them."""

    def __init__(self, stage):
        super().__init__()
        self.practice = stage.practice
        self.people = stage.people
        self.vera = stage.vera
        self.vaults = stage.vaults
        # Undone in the end, and taken for the outermost by what insists on being durable: as Django's own test case does.
        self.undone = transaction.atomic()
        self.undone._from_testcase = True
        self.undone.__enter__()
        start_over(self.practice)
        #: Workers between claim and sending, in mid-air, and with an answer in their hands.
        self.claims, self.under_way, self.answers = [], [], []
        #: Key of a form -> what it asked for.
        self.asked = {}
        self.heard = 0
        self.ours, self.foreign = defaultdict(list), defaultdict(list)
        self.told, self.ended = {}, {}
        self.statuses = set()

    # What people do

    @initialize(leave=st.sampled_from(["nothing", *LEFT_BEHIND]))
    def ask_for_all(self, leave):
        for place in range(len(self.vaults)):
            self.ask(place, "replica-production", 0)
        self.statuses = {"requested"}
        if leave != "nothing":
            self.claim_send_and_die(0, leave)

    @rule(place=PLACES, destination=DESTINATIONS, who=st.integers(0, 1))
    def ask(self, place, destination, who):
        key = uuid.uuid4()
        if taken := self.active(place):
            with pytest.raises(AlreadyActive) as refusal:
                self.request(place, destination, key, who)
            assert refusal.value.replication == taken
            return
        replication, made = self.request(place, destination, key, who)
        assert (made, replication.status) == (True, "requested")
        self.asked[key] = (place, destination, replication)

    @precondition(lambda self: self.asked)
    @rule(which=MOMENTS, elsewhere=st.booleans())
    def confirm_the_same_form_again(self, which, elsewhere):
        key, (place, destination, replication) = pick(list(self.asked.items()), which)
        before = Replication.objects.count()
        if elsewhere:
            [other] = {"replica-production", "replica-longterm"} - {destination}
            with pytest.raises(KeyReused) as refusal:
                self.request(place, other, key)
            assert refusal.value.replication == replication
        else:
            assert self.request(place, destination, key) == (replication, False)
        assert Replication.objects.count() == before

    @precondition(lambda self: self.asked)
    @rule(place=PLACES, decision=st.sampled_from(sorted(DECISIONS)))
    def decide(self, place, decision):
        if replication := self.latest(place):
            now = self.practice.now()
            gap = triggering.absence_gap(replication, now)
            look = replication.looks.first()
            is_possible = {
                "withdraw": replication.status == "requested",
                "rearm": not gap,
                "give up": not gap,
                "allow adoption": replication.status == "unconfirmed" and look and look.found,
            }[decision]
            if is_possible:
                self.carry_out(decision, replication, self.people[0])
                assert self.status_of(replication) == DECISIONS[decision][1]
                return
            with pytest.raises((NotCancellable, NotSettleable)):
                self.carry_out(decision, replication, self.people[0])
            assert self.status_of(replication) == replication.status

    @precondition(lambda self: self.asked)
    @rule(place=PLACES, decision=st.sampled_from(sorted(DECISIONS)))
    def decide_without_the_right(self, place, decision):
        if replication := self.latest(place):
            with pytest.raises(NotPermitted):
                self.carry_out(decision, replication, self.vera)
        with pytest.raises(NotPermitted):
            triggering.request_replication(
                actor=self.vera,
                wish=self.wish(place, "replica-production"),
                key=uuid.uuid4(),
                now=self.practice.now(),
            )

    @precondition(lambda self: self.has("unconfirmed"))
    @rule(
        decision=st.sampled_from(["rearm", "give up", "allow adoption", "nothing"]),
        patience=st.integers(2, 6),
    )
    def watch_what_is_unclear_and_decide(self, decision, patience):
        for _look in range(patience):
            self.let_time_pass(20)
            self.look()
        for place in range(len(self.vaults)):
            if decision != "nothing":
                self.decide(place, decision)

    # More of it would take every vault, and leave no room for ours.
    @precondition(lambda self: sum(map(len, self.foreign.values())) < 3)
    @rule(place=PLACES, destination=DESTINATIONS)
    def replicate_in_the_console(self, place, destination):
        # A fault that waits is meant for us.
        self.practice.control("DELETE", "faults")
        start_elsewhere(self.vaults[place].name, destination)
        for call in self.news():
            self.foreign[self.vaults[place].vault_id].append(call)

    # What workers do, and how they die

    @precondition(lambda self: self.has("requested"))
    @rule(which=MOMENTS)
    def claim(self, which):
        replication = pick(list(self.dashboard().filter(status="requested")), which)
        try:
            client, baseline = submission._prepare(replication)
        except CloudError:
            return
        first = submission._claim(replication, baseline, f"worker-{which}", self.practice.now)
        second = submission._claim(replication, baseline, "worker at the same time", self.practice.now)
        assert (first is None, second) == (False, None)
        self.claims.append((first, client))

    @precondition(lambda self: self.claims)
    @rule(which=MOMENTS)
    def die_before_sending(self, which):
        self.claims.remove(pick(self.claims, which))

    @precondition(lambda self: self.claims)
    @rule(which=MOMENTS)
    def send_however_late(self, which):
        claim, client = self.taken(self.claims, which)
        claim.send(client)
        self.attribute(claim)

    @precondition(lambda self: self.claims)
    @rule(which=MOMENTS, decision=st.sampled_from(["rearm", "give up"]))
    def freeze_until_a_person_has_decided_and_send(self, which, decision):
        claim, client = self.taken(self.claims, which)
        for _look in range(6):
            self.let_time_pass(20)
            self.look()
        place = self.place_of(claim.delivery.replication)
        self.decide(place, decision)
        self.nudge(place)
        claim.send(client)
        self.attribute(claim)

    @precondition(lambda self: self.claims)
    @rule(which=MOMENTS)
    def send_and_die(self, which):
        claim, client = self.taken(self.claims, which)
        self.post(claim, client)

    @precondition(lambda self: self.claims)
    @rule(which=MOMENTS)
    def send_and_freeze(self, which):
        claim, client = self.taken(self.claims, which)
        if result := self.post(claim, client):
            self.answers.append((claim, result))

    @precondition(lambda self: self.has("requested"))
    @rule(which=MOMENTS, leave=st.sampled_from(LEFT_BEHIND))
    def claim_send_and_die(self, which, leave):
        """The whole of the worst case in one step, so that lives are full of it."""
        before = len(self.claims)
        self.claim(which)
        if len(self.claims) > before:
            last = before
            if leave == "late answer":
                self.send_what_the_cloud_takes_up_late(last, waits=True)
            elif leave == "answer":
                self.send_and_die(last)
            else:
                self.die_before_sending(last)
            self.practice.advance(minutes=4)
            reconciliation.release_dead_claims(self.practice.now())

    @precondition(lambda self: self.has("unconfirmed"))
    @rule(which=MOMENTS, decision=st.sampled_from(["rearm", "give up"]))
    def decide_too_early(self, which, decision):
        unclear = pick(list(self.dashboard().filter(status="unconfirmed")), which)
        self.decide(self.place_of(unclear), decision)

    @precondition(lambda self: self.answers)
    @rule(which=MOMENTS)
    def wake_up_with_the_answer(self, which):
        claim, result = self.taken(self.answers, which)
        claim._store(result)

    @precondition(lambda self: self.answers)
    @rule(which=MOMENTS)
    def keep_the_answer_on_disk(self, which):
        claim, result = self.taken(self.answers, which)
        spool.keep(claim.delivery, result)

    @precondition(lambda self: self.claims)
    @rule(which=MOMENTS, waits=st.booleans())
    def send_what_the_cloud_takes_up_late(self, which, waits):
        claim, client = self.taken(self.claims, which)
        try:
            claim._demand()
        except submission.ClaimLost:
            return
        if waits:
            claim._store(OutcomeUnknown("The answer was lost: it did not answer in time.", region="eu-de"))
        self.under_way.append((claim, client, self.practice.now() + LATEST_PROCESSING))

    @precondition(lambda self: self.under_way)
    @rule(which=MOMENTS)
    def take_up_late(self, which):
        claim, client, _latest = self.taken(self.under_way, which)
        self.let_pass(lambda: client.replicate(claim.delivery.order))
        self.attribute(claim)

    @precondition(lambda self: self.asked)
    @rule(place=PLACES)
    def nudge(self, place):
        if replication := self.latest(place):
            for worker in ("worker-a", "worker-b"):
                submission.submit(replication.pk, worker_id=worker, clock=self.practice.now)
            self.attribute()

    @precondition(lambda self: self.has("submitting", "unconfirmed"))
    @rule()
    def look(self):
        reconciliation.release_dead_claims(self.practice.now())
        reconciliation.settle_due(self.practice.now(), self.practice.now)

    @rule()
    def follow(self):
        progress.check_due(self.practice.now(), self.practice.now)

    @rule()
    def make_a_round(self):
        self.practice.round()
        self.attribute()

    @rule()
    def sweep(self):
        sweeping.sweep(CLOUD, self.practice.now)

    # What the world does

    @precondition(lambda self: self.has("requested") or self.claims)
    @rule(fault=st.sampled_from(SPOILED_SENDINGS))
    def spoil_a_sending(self, fault):
        self.practice.control("POST", "faults", {"operation": "checkpoints.replicate", "count": 1, **fault})

    @precondition(lambda self: self.asked)
    @rule(
        fault=st.sampled_from(SPOILED_READINGS),
        operation=st.sampled_from(["operation_logs.list", "backups.list"]),
    )
    def spoil_a_reading(self, fault, operation):
        self.practice.control("POST", "faults", {"operation": operation, "count": 1, **fault})

    @rule(minutes=st.sampled_from([0.3, 1, 3, 11, 31, 61, 300]))
    def let_time_pass(self, minutes):
        later = self.practice.now() + timedelta(minutes=minutes)
        for late in [one for one in self.under_way if one[2] < later]:
            self.take_up_late(self.under_way.index(late))
        self.practice.advance(minutes=minutes)

    # What must hold whatever happened

    @invariant()
    def promises_hold(self):
        self.statuses = set(self.dashboard().values_list("status", flat=True))
        self.nothing_is_sent_twice()
        self.nothing_accepted_counts_as_never_started()
        self.records_are_those_of_the_cloud()
        self.statuses_follow_the_table_and_the_audit_tells_each_step()
        self.a_final_status_stays()
        self.rows_keep_their_constraints_and_active_ones_are_looked_at_again()

    def nothing_is_sent_twice(self):
        assert self.news() == []
        assert {pk: len(calls) for pk, calls in self.ours.items() if len(calls) > 1} == {}
        received = self.practice.control("GET", "calls")["received"].get("checkpoints.replicate", 0)
        by_others = sum(map(len, self.foreign.values()))
        attempts = Attempt.objects.filter(replication__origin="dashboard")
        assert received - self.practice.received_before - by_others <= attempts.count()

    def nothing_accepted_counts_as_never_started(self):
        for replication in self.dashboard():
            calls = self.ours[replication.pk]
            if replication.status in {"requested", "cancelled", "rejected"}:
                assert not calls, f"{replication} was accepted by the cloud"
            if replication.status == "failed" and not replication.records.exists():
                assert not calls, f"{replication} was accepted by the cloud"
            if calls:
                outcomes = set(replication.attempts.values_list("outcome", flat=True))
                assert outcomes & {"pending", "accepted", "unknown", "abandoned"}

    def records_are_those_of_the_cloud(self):
        for replication in self.dashboard():
            if replication.status not in {"running", "succeeded", "partial", "failed"}:
                assert not replication.records.exists()
                continue
            ours, foreign = self.ours[replication.pk], self.foreign[replication.vault_id]
            records = list(replication.records.all())
            told = backups_in([*ours, *foreign])
            for record in records:
                assert record.backup_id in told.values()
                assert told.get(record.replication_record_id, record.backup_id) == record.backup_id
                assert record.replication_record_id in {"", *told}
            copied = Counter(record.backup_id for record in records)
            assert not Counter(backups_in(ours).values()) - copied
            if ours and not foreign:
                assert copied == Counter(backups_in(ours).values())

    def statuses_follow_the_table_and_the_audit_tells_each_step(self):
        entries = {entry.pk: entry for entry in AuditEntry.objects.all()}
        now = {
            pk: (entry.action, entry.at, entry.to_status, str(entry.details)) for pk, entry in entries.items()
        }
        assert {pk: now.get(pk) for pk in self.told} == self.told
        self.told = now
        for replication in Replication.objects.all():
            stands = ""
            for entry in sorted(entries.values(), key=lambda one: one.pk):
                if entry.replication_id != replication.pk or entry.to_status in {"", entry.from_status}:
                    continue
                assert entry.from_status == stands
                assert stands == "" or entry.to_status in TRANSITIONS[ReplicationStatus(entry.from_status)]
                assert entry.actor_name
                stands = entry.to_status
            assert stands == replication.status

    def a_final_status_stays(self):
        for replication in Replication.objects.all():
            assert self.ended.get(replication.pk, replication.status) == replication.status
            if replication.is_final:
                self.ended[replication.pk] = replication.status

    def rows_keep_their_constraints_and_active_ones_are_looked_at_again(self):
        for replication in Replication.objects.all():
            replication.validate_constraints()
            assert replication.check_after or replication.is_final
            for record in replication.records.all():
                record.validate_constraints()

    # How it ends

    def teardown(self):
        try:
            self.come_to_rest()
        finally:
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    def come_to_rest(self):
        """Let the faults stop, the living finish and a person take every way out that is offered."""
        self.practice.control("DELETE", "faults")
        while self.under_way:
            self.take_up_late(0)
        while self.answers:
            self.wake_up_with_the_answer(0)
        for _round in range(60):
            self.practice.advance(minutes=20)
            self.sweep()
            self.make_a_round()
            for replication in self.dashboard():
                self.take_the_way_out(replication)
            if not Replication.objects.active().exists():
                break
        note(f"ended as {sorted(Replication.objects.values_list('status', flat=True))}")
        self.promises_hold()
        assert list(Replication.objects.active()) == []

    def take_the_way_out(self, replication):
        if replication.status != "unconfirmed":
            return
        if not triggering.absence_gap(replication, self.practice.now()):
            self.decide(self.place_of(replication), "give up")
        elif (look := replication.looks.first()) and look.found and not replication.adoption_allowed:
            self.decide(self.place_of(replication), "allow adoption")

    # How the steps find what they work on

    def request(self, place, destination, key, who=0):
        return triggering.request_replication(
            actor=self.people[who], wish=self.wish(place, destination), key=key, now=self.practice.now()
        )

    def wish(self, place, destination):
        target = Vault.objects.select_related("project__region").get(name=destination)
        return Wish(
            source=self.vaults[place],
            destination=triggering.find_destination(
                region=target.project.region.name,
                project_id=target.project.project_id,
                vault_id=target.vault_id,
            ),
            reason="Recovery exercise",
        )

    def dashboard(self):
        ours = Replication.objects.filter(origin="dashboard")
        return ours.select_related("actor", "source_vault__project").order_by("-requested_at")

    def latest(self, place):
        return self.dashboard().filter(source_vault=self.vaults[place]).first()

    def active(self, place):
        return Replication.objects.active().filter(source_vault=self.vaults[place]).first()

    def place_of(self, replication):
        return [vault.pk for vault in self.vaults].index(replication.source_vault_id)

    def status_of(self, replication):
        return Replication.objects.values_list("status", flat=True).get(pk=replication.pk)

    def has(self, *statuses):
        return not self.statuses.isdisjoint(statuses)

    def carry_out(self, decision, replication, who):
        service, _leads_to = DECISIONS[decision]
        reason = {} if decision == "withdraw" else {"reason": "The evidence says so"}
        service(actor=who, replication=replication, now=self.practice.now(), **reason)

    def taken(self, there, which):
        one = pick(there, which)
        there.remove(one)
        return one

    def post(self, claim, client):
        """Send as a worker does, and return what it learns; nothing when its claim did not allow it."""
        result = self.let_pass(
            lambda: client.replicate(
                claim.delivery.order, before_connecting=claim._demand, transcript=claim.delivery.transcript
            )
        )
        self.attribute(claim)
        return result

    def let_pass(self, send):
        try:
            return send()
        except submission.ClaimLost:
            return None
        except CloudError as error:
            return error

    def news(self):
        accepted = self.practice.control("GET", f"accepted?after={self.heard}")["accepted"]
        self.heard += len(accepted)
        return accepted

    def attribute(self, claim=None):
        """Book what the cloud has just accepted on the replication that it was sent for."""
        for call in self.news():
            vault_id = call["body"]["replicate"]["vault_id"]
            place = [vault.vault_id for vault in self.vaults].index(vault_id)
            replication = claim.delivery.replication if claim else self.latest(place)
            assert vault_id == replication.vault_id
            self.ours[replication.pk].append(call)


def pick(there, which):
    return there[which % len(there)]


def backups_in(calls):
    """Record id -> backup id, of all of them."""
    return {
        one["replication_record_id"]: one["backup_id"]
        for call in calls
        for one in call["answer"]["replication"]["backups"]
    }


def start_over(practice):
    """Found the cloud anew, with the same ids, so that what we have read of it stays true."""
    practice.control("POST", "reset")
    # A token that had ended in another life would be refused in this one.
    connection.forget()
    practice.ahead = timedelta()
    add_vaults(practice)
    practice.received_before = practice.control("GET", "calls")["received"].get("checkpoints.replicate", 0)


def add_vaults(practice):
    practice.control("POST", "vaults", {"project": "eu-de_internal", "number": 3, "backups_each": 2})


@pytest.fixture(params=["otc", "huawei"])
def stage(request, db, settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    with practising(request.param, settings, duplicate_guard="off") as practice:
        add_vaults(practice)
        practice.read_inventory()
        yield SimpleNamespace(
            practice=practice,
            people=[a_user("oskar", "operator"), a_user("olga", "operator")],
            vera=a_user("vera", "viewer"),
            vaults=list(
                Vault.objects.filter(name__startswith="vault-branch")
                .order_by("name")
                .select_related("project__region")
            ),
        )


def test_promises_hold_after_every_step_of_any_life(stage):
    run_state_machine_as_test(
        lambda: Life(stage),
        settings=hypothesis_settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
