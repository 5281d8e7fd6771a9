"""A worker dies at any point of its work, and others go on: nothing is lost, nothing is sent twice.

First one worker lives through a step, and every statement to the database and every call of a socket on the way is
counted. Then one worker after another dies, at the first of them, at the second and so on, each with a replication of
its own. The next worker goes on with all of them, and a person decides what the service lets her decide.
"""

import time
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Q

from bench.faults.verdict import judge
from replication.models import Attempt, CloudReading, Replication
from replication.services import submission, triggering
from tests.journeys.deaths import Nursery
from tests.journeys.test_killed_worker import database_url
from tests.journeys.wishes import ask
from tests.practice import practising

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

A_LONG_TIME = timedelta(days=300)
#: Points without which an enumeration would be blind.
SEEN = {
    "COMMIT",
    "after COMMIT",
    "connect",
    "sendall",
    "half-way through sendall",
    "after sendall",
    "recv_into",
}
ONCE, NEVER = ("succeeded", 1), ("rejected", 0)
#: Profile, what the cloud makes of the request, and the ends that there are: status and requests carried out.
FATES = [
    ("otc", "", {}, {ONCE}),
    ("huawei", "", {}, {ONCE}),
    ("otc", "close_before_processing", {}, {ONCE}),
    ("otc", "close_after_processing", {}, {ONCE}),
    ("otc", "throttle", {"retry_after": "1"}, {ONCE}),
    ("otc", "answer", {"status": 400, "code": "BackupService.6119"}, {ONCE, NEVER}),
]
#: Profile, switches, and whether the dead worker's request was carried out.
LEFT_BEHIND = {
    "found in the log": ("otc", {}, True),
    "found in the records": ("huawei", {}, True),
    "found by the replicas": ("otc", {"replication_logs": "absent"}, True),
    "not in the log": ("otc", {}, False),
    "not in the records": ("huawei", {}, False),
}
#: Profile, minutes since the sending, and which list of backups is not answered: the source's, the destination's.
LOOKS = {
    "copying": ("otc", 1, None),
    "copying, by records": ("huawei", 1, None),
    "copied, and only the destination answers": ("otc", 10, 0),
    "copied, and only the source answers": ("otc", 10, 1),
    "arrived": ("otc", 10, None),
    "arrived, by records": ("huawei", 10, None),
}


@pytest.fixture(scope="module")
def nursery(django_db_setup, tmp_path_factory):
    with Nursery(database_url(), tmp_path_factory.mktemp("spool")) as nursery:
        yield nursery


@pytest.fixture
def practise(settings, transactional_db):
    """Opens a cloud that would carry out a second request as it does the first: only our own care keeps it from it."""
    opened = []
    # As many are under way to one region as a worker has points of death.
    settings.REPLICATION_REGION_LIMIT = 0

    def open_one(profile, **switches):
        opened.append(practising(profile, settings, duplicate_guard="off", **switches))
        return opened[-1].__enter__()

    yield open_one
    for one in opened:
        one.__exit__(None, None, None)


def places(practice, name, number, stored_mb=64):
    """Add a source vault with two backups for each replication, and one for its replicas."""
    for facts in (
        {"project": "eu-de_production", "name": name, "backups_each": 2, "stored_mb": stored_mb},
        {"project": "eu-nl_recovery", "name": f"{name}-replica", "protect_type": "replication"},
    ):
        practice.control("POST", "vaults", {"number": number, "size_gb": 10_000, **facts})
    practice.read_inventory()
    return [
        {"source": f"{name}-{one:05}", "destination": f"{name}-replica-{one:05}"}
        for one in range(1, number + 1)
    ]


def ask_for(practice, actor, name, number, **vaults):
    return [ask(practice, actor, **place) for place in places(practice, name, number, **vaults)]


def live(nursery, practice, step, *, die_at=0, signed_in=True, **arguments):
    """Let a worker do a step, or die of it, and wait until the cloud has dealt with all that it had sent."""
    connections = practice.sandbox._server._connections
    before = len(connections)
    # As on the first day, when nobody knows yet which source answers.
    CloudReading.objects.update(answers_records=None)
    life = nursery.live(step, practice=practice, die_at=die_at, signed_in=signed_in, **arguments)
    give_up_at = time.monotonic() + 30
    while len(connections) > before:
        assert time.monotonic() < give_up_at, "the cloud still serves somebody who is dead"
        time.sleep(0.001)
    assert life.died == bool(die_at), (die_at, life)
    return life.points


class Parked:
    """Replications that nobody looks at, but for one at a time: each worker that dies has one of its own."""

    def __init__(self, replications):
        self._until = replications[0].requested_at + timedelta(days=300)
        self._times = {}
        for replication in replications:
            self._park(replication.pk)

    def alone(self, replication, act):
        """Return what comes of `act` while this one is the only one awake."""
        self._wake(replication.pk)
        result = act()
        self._park(replication.pk)
        return result

    def wake_all(self):
        for pk in list(self._times):
            self._wake(pk)

    def _park(self, pk):
        row = Replication.objects.filter(pk=pk)
        self._times[pk] = row.values("check_after", "claimed_until").get()
        row.update(**{column: self._until for column, time in self._times[pk].items() if time})

    def _wake(self, pk):
        Replication.objects.filter(pk=pk).update(**self._times.pop(pk))


def decide(practice, person):
    """Send again what the service says that a person may send again."""
    for replication in Replication.objects.filter(status="unconfirmed"):
        if not triggering.absence_gap(replication, practice.now()):
            triggering.rearm_replication(
                actor=person, replication=replication, reason="Nothing is there", now=practice.now()
            )


def come_to_rest(practice, person):
    """Let another worker go on, and the person decide, until nothing is left to do."""
    for _round in range(60):
        practice.advance(minutes=10)
        practice.round("the next worker")
        decide(practice, person)
        if not any(replication.may_change for replication in Replication.objects.all()):
            return
    raise AssertionError("it does not come to rest")


def ends(practice):
    """Compare everything with what the cloud accepted. Returns how often what came out."""
    accepted = practice.accepted()
    verdict = judge(accepted, practice.control("GET", "calls")["received"]["checkpoints.replicate"])
    assert (verdict.sentences, verdict.unconfirmed) == ([], 0)
    assert not Attempt.objects.filter(Q(ended_at=None) | Q(outcome="pending")).exists()
    assert not Replication.objects.exclude(claimed_until=None).exists()
    calls = Counter(call["body"]["replicate"]["vault_id"] for call in accepted)
    return Counter((one.status, calls[one.vault_id]) for one in Replication.objects.all())


@pytest.mark.parametrize(("profile", "fault", "parameters", "expected"), FATES)
def test_worker_may_die_at_any_point_of_sending(
    nursery, practise, oskar, profile, fault, parameters, expected
):
    practice = practise(profile)
    # Signing in is the same everywhere, and a fault of the request changes what begins with the claim.
    is_complete = (profile, fault) == ("otc", "")

    def send(replication, die_at=0):
        if fault:
            practice.fault(fault, **parameters)
        points = live(
            nursery,
            practice,
            "send",
            die_at=die_at,
            signed_in=not is_complete,
            replication=str(replication.pk),
        )
        practice.control("DELETE", "faults")
        return points

    [first] = ask_for(practice, oskar, "first", 1)
    whole = send(first)
    begin = whole.index("UPDATE replication_replication") if fault else 1
    doomed = ask_for(practice, oskar, "doomed", len(whole) + 1 - begin)

    for die_at, replication in enumerate(doomed, begin):
        assert send(replication, die_at) == whole[:die_at]
    come_to_rest(practice, oskar)

    assert set(whole) >= SEEN
    assert set(ends(practice)) == expected


def test_worker_that_sends_before_it_claims_is_found_out(nursery, practise, oskar):
    practice = practise("otc")
    [first] = ask_for(practice, oskar, "first", 1)
    whole = live(nursery, practice, "send_before_claiming", replication=str(first.pk))
    [doomed] = ask_for(practice, oskar, "doomed", 1)

    live(
        nursery,
        practice,
        "send_before_claiming",
        die_at=whole.index("UPDATE replication_replication") + 1,
        replication=str(doomed.pk),
    )
    come_to_rest(practice, oskar)

    with pytest.raises(AssertionError, match="doubled"):
        ends(practice)


@pytest.mark.parametrize("left", LEFT_BEHIND)
def test_worker_may_die_at_any_point_of_settling_what_a_dead_one_left(nursery, practise, oskar, left):
    profile, switches, is_processed = LEFT_BEHIND[left]
    practice = practise(profile, **switches)

    def leave(name, number):
        replications = ask_for(practice, oskar, name, number)
        for replication in replications:
            if is_processed:
                practice.lose_the_answer_of(replication)
            else:
                _client, baseline = submission._prepare(replication)
                submission._claim(replication, baseline, "worker that dies", practice.now)
        practice.advance(minutes=3)
        return replications, Parked(replications)

    def settle(parked, replication, die_at=0):
        return parked.alone(replication, lambda: live(nursery, practice, "settle", die_at=die_at))

    [first], first_parked = leave("first", 1)
    whole = settle(first_parked, first)
    doomed, parked = leave("doomed", len(whole))

    for die_at, replication in enumerate(doomed, 1):
        assert settle(parked, replication, die_at) == whole[:die_at]
    first_parked.wake_all()
    parked.wake_all()
    come_to_rest(practice, oskar)

    assert set(whole) >= SEEN
    assert ends(practice) == {ONCE: len(whole) + 1}


@pytest.mark.parametrize("look", LOOKS)
def test_worker_may_die_at_any_point_of_following(nursery, practise, oskar, look):
    profile, minutes, unanswered = LOOKS[look]
    practice = practise(profile)

    def send(name, number):
        replications = ask_for(practice, oskar, name, number, stored_mb=600_000)
        for replication in replications:
            submission.submit(replication.pk, worker_id="worker", clock=practice.now)
        practice.advance(minutes=minutes)
        return replications, Parked(replications)

    def follow(parked, replication, die_at=0):
        if unanswered is not None:
            practice.fault("answer", operation="backups.list", status=500, skip=unanswered)
        points = parked.alone(replication, lambda: live(nursery, practice, "follow", die_at=die_at))
        practice.control("DELETE", "faults")
        return points

    [first], first_parked = send("first", 1)
    whole = follow(first_parked, first)
    doomed, parked = send("doomed", len(whole))

    for die_at, replication in enumerate(doomed, 1):
        assert follow(parked, replication, die_at) == whole[:die_at]
    first_parked.wake_all()
    parked.wake_all()
    come_to_rest(practice, oskar)

    assert set(whole) >= SEEN
    assert ends(practice) == {ONCE: len(whole) + 1}


def test_who_asks_may_be_cut_off_at_any_point_and_ask_again_with_the_same_form(nursery, practise, oskar):
    practice = practise("otc")

    def ask_as_a_view_does(place, key, die_at=0):
        return live(
            nursery, practice, "ask_for", die_at=die_at, username=oskar.username, key=str(key), **place
        )

    [first] = places(practice, "first", 1)
    whole = ask_as_a_view_does(first, uuid.uuid4())
    doomed = places(practice, "doomed", len(whole))

    for die_at, place in enumerate(doomed, 1):
        key = uuid.uuid4()
        assert ask_as_a_view_does(place, key, die_at) == whole[:die_at]
        ask(practice, oskar, **place, key=key)
    come_to_rest(practice, oskar)

    assert ends(practice) == {ONCE: len(whole) + 1}


def test_who_sends_again_may_be_cut_off_at_any_point(nursery, practise, oskar):
    practice = practise("otc")

    def leave_unclear(name, number):
        replications = ask_for(practice, oskar, name, number)
        practice.fault("close_before_processing", count=number)
        for replication in replications:
            submission.submit(replication.pk, worker_id="worker", clock=practice.now)
        # Hourly looks at last: after two hours there are more than enough of them.
        for _look in range(12):
            practice.advance(minutes=10)
            practice.round("the next worker")
        return replications

    def send_again(replication, die_at=0):
        return live(
            nursery,
            practice,
            "send_again",
            die_at=die_at,
            username=oskar.username,
            replication=str(replication.pk),
        )

    [first] = leave_unclear("first", 1)
    whole = send_again(first)
    doomed = leave_unclear("doomed", len(whole))

    for die_at, replication in enumerate(doomed, 1):
        assert send_again(replication, die_at) == whole[:die_at]
    come_to_rest(practice, oskar)

    assert ends(practice) == {ONCE: len(whole) + 1}
