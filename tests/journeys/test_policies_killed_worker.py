"""A worker that is killed while it changes policies: what it has begun is neither lost nor done twice."""

import time

import pytest

from replication.models import PolicyChange
from tests.journeys.policy_wishes import (
    accepted,
    ask_to_apply,
    ask_to_create,
    cloud_policies,
    mirrored_policies,
    to_rest,
)
from tests.journeys.test_killed_worker import start_worker, status_of, wait_until

__all__ = ["start_worker"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CREATE, APPLY = "policies.create", "vaults.associatepolicy"


def kill(worker):
    worker.kill()
    worker.wait()


def received(practice, operation):
    return practice.control("GET", "calls")["received"].get(operation, 0)


def test_killed_between_the_creation_and_writing_down_its_answer(practice, start_worker, oskar):
    change = ask_to_create(practice, oskar)
    practice.fault("answer_late", operation=CREATE, seconds=30)
    worker = start_worker()
    wait_until(lambda: accepted(practice))

    kill(worker)
    after_kill = status_of(change)
    to_rest(practice)

    assert (after_kill, status_of(change), accepted(practice)) == ("sending", "done", [CREATE])
    assert cloud_policies(practice)["replicate-orders"] == mirrored_policies()["replicate-orders"] == [{}]


def test_killed_before_the_cloud_has_begun_the_creation(practice, start_worker, oskar):
    change = ask_to_create(practice, oskar)
    practice.fault("process_late", operation=CREATE, seconds=3)
    worker = start_worker()
    wait_until(lambda: status_of(change) == "sending" and received(practice, CREATE))

    kill(worker)
    wait_until(lambda: accepted(practice))
    to_rest(practice)

    assert (status_of(change), accepted(practice)) == ("done", [CREATE])


def test_killed_while_applying_it_is_applied_once_however_often_it_is_sent(practice, start_worker, oskar):
    [change] = ask_to_apply(practice, oskar, "replicate-erp-weekly", "vault-orders-db")
    practice.fault("close_before_processing", operation=APPLY, count=1)
    practice.fault("answer_late", operation=APPLY, seconds=30)
    worker = start_worker()
    wait_until(lambda: status_of(change) == "unclear")

    kill(worker)
    to_rest(practice)

    assert (status_of(change), accepted(practice)) == ("done", [APPLY])
    assert cloud_policies(practice) == mirrored_policies()


def test_two_workers_beside_each_other_make_each_policy_once(practice, start_worker, oskar):
    for number in range(6):
        ask_to_create(practice, oskar, f"replicate-{number}")

    start_worker()
    start_worker()
    wait_until(lambda: not PolicyChange.objects.pending().exists())
    time.sleep(1)

    made = [policies for name, policies in cloud_policies(practice).items() if name[:-1] == "replicate-"]
    assert made == [[{}]] * 6
    assert accepted(practice) == [CREATE] * 6
