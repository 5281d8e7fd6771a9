"""Forecasts beside what the cloud answered."""

import importlib
import pkgutil

import pytest
from django.apps import apps

from replication import migrations
from replication.cloud import AcceptedBackup, AcceptedReplication, NotDelivered, OutcomeUnknown, Refused
from replication.models import ForecastScore, Replication
from replication.services import outcome, scoring
from replication.services.outcome import Delivery
from replication.services.scoring import Record
from tests.builders import NOW, a_replication, a_replication_vault, a_vault

MIGRATIONS = [found.name for found in pkgutil.iter_modules(migrations.__path__)]
PROMISED = {"total_gb": 80, "replicate": ["b-1", "b-2"], "already": [], "ineligible": [], "codes": []}


def a_sent_one(**fields):
    """A replication that a worker is sending."""
    return a_replication(
        **{
            "source": a_vault(),
            "destination": a_replication_vault(name=str(a_vault().pk)),
            "status": "submitting",
            "claimed_by": "worker-1",
            "attempt": 1,
            "forecast": PROMISED,
            **fields,
        }
    )


def accepted(replication, *backup_ids):
    return AcceptedReplication(
        vault_id=replication.vault_id,
        source_region="eu-de",
        destination_region="eu-nl",
        destination_project_id=replication.destination_project_id,
        destination_vault_id=replication.destination_vault_id,
        project_id=replication.source_project_id,
        provider_id="",
        backups=tuple(AcceptedBackup(one, f"record-{replication.pk}-{one}"[:64]) for one in backup_ids),
        request_id="req-1",
        document={"replication": {"backups": [{"backup_id": one} for one in backup_ids]}},
    )


def refusal(code):
    return Refused("Declined.", code=code, http_status=400, region="eu-de", request_id="req-1")


def answer(replication, result):
    outcome.record(Delivery(replication, "worker-1", 1), result, NOW)
    replication.refresh_from_db()
    return scoring.compare(replication)


def test_exactly_what_was_promised_is_right(db):
    compared = answer(replication := a_sent_one(), accepted(replication, "b-2", "b-1"))

    assert (compared.score, compared.is_right, compared.missing, compared.unexpected) == (
        ForecastScore.RIGHT,
        True,
        (),
        (),
    )


def test_other_backups_than_promised_are_named_on_both_sides(db):
    compared = answer(replication := a_sent_one(), accepted(replication, "b-2", "b-3"))

    assert (compared.score, compared.missing, compared.unexpected, compared.code) == (
        ForecastScore.OTHER_BACKUPS,
        ("b-1",),
        ("b-3",),
        "",
    )


def test_empty_answer_is_right_when_nothing_was_promised(db):
    replication = a_sent_one(forecast={**PROMISED, "replicate": []})

    compared = answer(replication, accepted(replication))

    assert (compared.score, compared.accepted) == (ForecastScore.RIGHT, ())


@pytest.mark.parametrize(
    ("codes", "score"),
    [
        ([], ForecastScore.REFUSED),
        (["BackupService.6130"], ForecastScore.REFUSED),
        (["BackupService.1009", "BackupService.6129"], ForecastScore.REFUSED_AS_WARNED),
    ],
)
def test_refusal_is_wrong_and_says_whether_it_was_warned_of(db, codes, score):
    replication = a_sent_one(forecast={**PROMISED, "codes": codes})

    compared = answer(replication, refusal("BackupService.6129"))

    assert (compared.score, compared.accepted, compared.missing, compared.code) == (
        score,
        None,
        (),
        "BackupService.6129",
    )


@pytest.mark.parametrize(
    "error",
    [
        NotDelivered("Nobody listens.", region="eu-de"),
        OutcomeUnknown("The answer was cut.", region="eu-de"),
    ],
)
def test_what_was_not_answered_is_not_scored(db, error):
    replication = a_sent_one()

    assert answer(replication, error) is None
    assert scoring.track_record() is None


def test_all_forecasts_are_counted_by_how_they_fared(db):
    for backups in (["b-1", "b-2"], ["b-2", "b-1"], ["b-1"]):
        replication = a_sent_one()
        answer(replication, accepted(replication, *backups))
    answer(a_sent_one(), refusal("BackupService.6112"))
    answer(a_sent_one(forecast={**PROMISED, "codes": ["BackupService.1009"]}), refusal("BackupService.1009"))
    a_sent_one()

    record = scoring.track_record()

    assert record == Record(right=2, other_backups=1, refused_as_warned=1, refused=1)
    assert (record.total, record.right, record.wrong) == (5, 2, 3)


def test_what_was_started_elsewhere_is_no_forecast_of_ours(db):
    a_replication(status="succeeded", forecast={})
    Replication.objects.update(origin="foreign", actor=None, forecast_score="right")

    assert scoring.track_record() is None


def test_no_forecast_gives_no_score(db):
    assert (scoring.score_accepted({}, ["b-1"]), scoring.score_refused({}, "BackupService.6129")) == ("", "")


def test_upgrade_scores_what_was_answered_before_scores_were_kept(db):
    named = {"replication": {"backups": [{"backup_id": "b-1"}, {"backup_id": "b-2"}]}}
    refused = {"status": "rejected", "error_code": "BackupService.1009"}
    for score, fields in {
        "right": {"status": "running", "response": named},
        "other_backups": {"status": "running", "response": {"replication": {"backups": []}}},
        "refused": refused,
        "refused_as_warned": {**refused, "forecast": {**PROMISED, "codes": ["BackupService.1009"]}},
        "": {"status": "unconfirmed"},
    }.items():
        a_sent_one(**fields, reason=score)

    [name] = [name for name in MIGRATIONS if name.endswith("_checks_and_prices")]
    importlib.import_module(f"replication.migrations.{name}").score_past_forecasts(apps, None)

    assert {one.reason: one.forecast_score for one in Replication.objects.all()} == {
        score: score for score in ("right", "other_backups", "refused", "refused_as_warned", "")
    }
