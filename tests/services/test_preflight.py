"""What the cloud would answer, rule by rule."""

import pytest

from replication.services import triggering
from replication.services.preflight import (
    CODES,
    Destination,
    Forecast,
    Rule,
    Verdict,
    judge_destination,
    judge_region,
    judge_source,
)
from replication.services.preflight.wording import TEXTS
from tests.builders import NOW, a_backup, a_record, a_region, a_replication, a_replication_vault, a_vault


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"vanished_at": NOW}, "BackupService.6105"),
        ({"protect_type": "replication"}, "BackupService.6128"),
        ({"object_type": "disk"}, "BackupService.6128"),
        ({"object_type": "turbo"}, "BackupService.6128"),
        ({"status": "lock"}, "BackupService.6112"),
        ({"status": "frozen"}, "BackupService.6112"),
        ({"status": "error"}, "BackupService.6112"),
        # Full is no obstacle for a source.
        ({"used_mb": 2_000_000}, None),
    ],
)
def test_source_vault_is_judged(db, fields, code):
    finding = judge_source(a_vault(**fields))

    assert (finding.code if finding else None) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"vanished_at": NOW}, "BackupService.6120"),
        ({"protect_type": "backup"}, "BackupService.6119"),
        ({"object_type": "turbo"}, "BackupService.6119"),
        ({"status": "lock"}, "BackupService.6118"),
        ({"size_gb": 100, "used_mb": 100 * 1024}, "BackupService.6129"),
        ({"size_gb": 100, "used_mb": 100 * 1024, "auto_expand": True}, None),
        # Not told is not full.
        ({"size_gb": None, "used_mb": None}, None),
    ],
)
def test_destination_vault_is_judged(db, fields, code):
    vault = a_replication_vault(
        **{"name": "vault-recovery", **{k: v for k, v in fields.items() if k != "protect_type"}}
    )
    vault.protect_type = fields.get("protect_type", vault.protect_type)

    finding = judge_destination(vault, a_vault())

    assert (finding.code if finding else None) == code


@pytest.mark.parametrize(
    ("destinations", "wanted", "code"),
    [
        (["eu-nl"], "eu-nl", None),
        (["eu-nl"], "eu-de", "BackupService.9900"),
        (["eu-nl"], "eu-ch2", "BackupService.1005"),
        ([], "eu-nl", "BackupService.1005"),
        # The cloud has not told: that is not a no.
        (None, "eu-nl", None),
    ],
)
def test_region_is_judged(db, destinations, wanted, code):
    finding = judge_region(a_region("eu-de", replicates_to=destinations), wanted)

    assert (finding.code if finding else None) == code


def forecast_of(source, destination, region="eu-nl"):
    return triggering.forecast(
        source, Destination(region, destination.project.project_id, destination.vault_id, destination)
    )


def states_of(forecast):
    """Return what is known of each rule."""
    return {finding.rule: finding.state.value for finding in forecast.rules}


def finding_of(forecast, rule):
    [finding] = [one for one in forecast.rules if one.rule == rule]
    return finding.state.value, finding.code, finding.text


def told_backup(vault, **fields):
    """A backup of which the cloud tells where it was replicated to: nowhere."""
    return a_backup(vault=vault, **{"replicated_to": [], "copying_to": [], **fields})


def test_every_backup_gets_a_verdict_with_its_reason(db):
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source, backup_id="good")
    a_backup(vault=source, backup_id="no-system-disk", contain_system_disk=False)
    a_backup(vault=source, backup_id="not-told", contain_system_disk=None)
    a_backup(vault=source, backup_id="in-error", status="error")
    a_backup(vault=source, backup_id="a-replica", image_type="replication")
    a_backup(vault=source, backup_id="a-disk", resource_type="OS::Cinder::Volume")
    a_backup(vault=source, backup_id="told-there", replicated_to=["eu-nl"], copying_to=[])
    a_backup(vault=source, backup_id="told-coming", replicated_to=["eu-nl"], copying_to=["eu-nl"])
    a_backup(vault=source, backup_id="elsewhere", replicated_to=["eu-ch2"], copying_to=["eu-ch2"])
    a_backup(vault=source, backup_id="we-did", replicated_to=["eu-nl"], copying_to=["eu-nl"])
    a_backup(vault=source, backup_id="we-do")
    a_backup(vault=source, backup_id="we-failed")
    a_backup(vault=source, backup_id="gone", vanished_at=NOW)
    past = a_replication(source=source, destination=destination, status="partial")
    a_record(replication=past, backup_id="we-did", status="succeeded")
    a_record(replication=past, backup_id="we-failed", status="failed")
    present = a_replication(source=source, destination=destination, status="running")
    a_record(replication=present, backup_id="we-do", status="running")

    forecast = forecast_of(source, destination)

    assert {one.backup.backup_id: (one.verdict, one.reason) for one in forecast.verdicts} == {
        "good": (Verdict.REPLICATE, ""),
        "not-told": (Verdict.REPLICATE, ""),
        "elsewhere": (Verdict.REPLICATE, ""),
        "we-failed": (Verdict.REPLICATE, ""),
        "no-system-disk": (Verdict.INELIGIBLE, "It does not contain the server's system disk."),
        "in-error": (Verdict.INELIGIBLE, "Its status is “error”, not “available”."),
        "a-replica": (Verdict.INELIGIBLE, "It is a replica, and replicas cannot be replicated again."),
        "a-disk": (Verdict.INELIGIBLE, "It is not a backup of a server."),
        "told-there": (Verdict.ALREADY, "It was replicated to this region before."),
        # Our own record says that it is over, which is newer than the mirror.
        "we-did": (Verdict.ALREADY, "It was replicated to this region before."),
        "we-do": (Verdict.COPYING, "A replication of this dashboard is copying it to this region."),
        "told-coming": (
            Verdict.COPYING,
            "The cloud was copying it to this region when it was last read.",
        ),
    }
    assert forecast.total_gb == 160


def test_every_rule_is_listed_and_a_fit_vault_fulfils_all_that_can_be_known(db):
    source, destination = a_vault(), a_replication_vault()
    told_backup(source)

    forecast = forecast_of(source, destination)

    assert [finding.rule for finding in forecast.rules] == list(Rule)
    # The cloud tells its limit only by refusing.
    assert states_of(forecast) == {**dict.fromkeys(Rule, "ok"), Rule.REPLICA_LIMIT: "unknown"}
    assert all(finding.title for finding in forecast.rules)


def test_what_the_cloud_does_not_tell_is_never_called_ok(db):
    source = a_vault()
    a_backup(
        vault=source, contain_system_disk=None, resource_type="", replicated_to=None, resource_size_gb=None
    )
    source.project.region.replication_destinations = None
    typed = Destination("eu-nl", "f" * 32, "5d5c3fd6-f8fc-43ea-b38c-3343152c6470")

    forecast = triggering.forecast(source, typed)

    unknown = {rule for rule, state in states_of(forecast).items() if state == "unknown"}
    assert unknown == {
        Rule.REGION_PAIR,
        Rule.PROJECT,
        Rule.DESTINATION_EXISTS,
        Rule.DESTINATION_KIND,
        Rule.SAME_TYPE,
        Rule.DESTINATION_STATUS,
        Rule.ROOM,
        Rule.NOT_BUSY,
        Rule.SERVERS,
        Rule.SYSTEM_DISK,
        Rule.NOT_THERE,
        Rule.REPLICA_LIMIT,
        Rule.ONCE,
    }
    assert all(finding.text for finding in forecast.unknowns)
    assert (forecast.blockers, forecast.warnings) == ((), ())


#: What is wrong with the source vault, the destination vault, the backup or the region; and the rule that says so.
BLOCKERS = {
    Rule.REGION_PAIR: {"region": "eu-ch2"},
    Rule.SOURCE_EXISTS: {"source": {"vanished_at": NOW}},
    Rule.SOURCE_STATUS: {"source": {"status": "lock"}},
    Rule.SOURCE_KIND: {"source": {"protect_type": "replication"}},
    Rule.DESTINATION_EXISTS: {"destination": {"vanished_at": NOW}},
    Rule.DESTINATION_KIND: {"destination": {"protect_type": "backup"}},
    Rule.SAME_TYPE: {"destination": {"object_type": "turbo"}},
    Rule.DESTINATION_STATUS: {"destination": {"status": "error"}},
    Rule.ROOM: {"destination": {"size_gb": 100, "used_mb": 100 * 1024}},
    Rule.SOMETHING_FIT: {"backup": {"status": "error"}},
}


@pytest.mark.parametrize("rule", BLOCKERS)
def test_each_blocker_carries_the_code_that_the_cloud_would_answer(db, rule):
    wrong = BLOCKERS[rule]
    source, destination = a_vault(), a_replication_vault()
    backup = told_backup(source)
    for row, fields in (
        (source, wrong.get("source", {})),
        (destination, wrong.get("destination", {})),
        (backup, wrong.get("backup", {})),
    ):
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()

    forecast = forecast_of(source, destination, wrong.get("region", "eu-nl"))

    codes = {finding.rule: finding.code for finding in forecast.blockers}
    assert codes[rule] == CODES[rule]


def test_own_region_is_told_first(db):
    source = a_vault()
    told_backup(source)

    blockers = forecast_of(source, a_vault(name="other"), "eu-de").blockers

    assert blockers[0].code == "BackupService.9900"


@pytest.mark.parametrize(
    ("region", "state", "code"),
    [
        ("eu-nl", "blocker", "BackupService.6130"),
        # Whether the cloud refuses a second region is not documented.
        ("eu-ch2", "warning", "BackupService.6130"),
    ],
)
def test_replication_under_way_blocks_its_region_and_warns_for_others(db, region, state, code):
    source, destination = a_vault(), a_replication_vault()
    told_backup(source)
    active = a_replication(
        source=source, destination=destination, status="running", destination_region=region
    )

    found = finding_of(forecast_of(source, destination), Rule.NOT_BUSY)

    assert found[:2] == (state, code)
    assert f"Replication {active.reference} of this vault to {region} is not over." in found[2]


def test_copying_that_was_started_elsewhere_only_warns_since_the_mirror_is_minutes_old(db):
    source = a_vault()
    told_backup(source, replicated_to=["eu-nl"], copying_to=["eu-nl"])

    forecast = forecast_of(source, a_replication_vault())

    assert finding_of(forecast, Rule.NOT_BUSY) == (
        "warning",
        "BackupService.6130",
        "The cloud was copying 1 backup of this vault when it was last read.",
    )
    assert forecast.blockers == ()


@pytest.mark.parametrize("fate", ["by the cloud's records", "by our history", "by backups that are gone"])
def test_second_replication_to_a_region_warns_and_never_blocks(db, fate):
    source, destination = a_vault(), a_replication_vault()
    told_backup(source, backup_id="new")
    if fate == "by the cloud's records":
        told_backup(source, replicated_to=["eu-nl"])
    else:
        past = a_replication(source=source, destination=destination, status="succeeded")
        a_record(replication=past, backup_id="old", status="succeeded")
    if fate == "by our history":
        told_backup(source, backup_id="old")

    forecast = forecast_of(source, destination)

    assert finding_of(forecast, Rule.ONCE)[:2] == ("warning", "BackupService.1009")
    assert (forecast.blockers, [one.backup.backup_id for one in forecast.to_replicate]) == ((), ["new"])


def test_backups_that_are_left_out_are_counted_under_their_rule(db):
    source = a_vault()
    told_backup(source)
    told_backup(source, status="error")
    told_backup(source, contain_system_disk=False)
    told_backup(source, contain_system_disk=False)
    told_backup(source, resource_type="OS::Cinder::Volume")

    forecast = forecast_of(source, a_replication_vault())

    assert [(finding.rule, finding.code, finding.text) for finding in forecast.warnings] == [
        (Rule.SERVERS, "BackupService.6122", "1 backup is not of a server and is left out."),
        (Rule.BACKUP_STATUS, "", "1 backup is not “available” and is left out."),
        (Rule.SYSTEM_DISK, "", "2 backups lack the server's system disk and are left out."),
    ]


def test_project_that_the_account_no_longer_lists_is_a_blocker(db):
    source, destination = a_vault(), a_replication_vault()
    told_backup(source)
    destination.project.vanished_at = NOW

    assert finding_of(forecast_of(source, destination), Rule.PROJECT)[:2] == (
        "blocker",
        "BackupService.1011",
    )


def test_vault_that_a_project_that_we_read_does_not_have_is_warned_of_with_its_code(db):
    source, destination = a_vault(), a_replication_vault()
    told_backup(source)
    typed = Destination("eu-nl", destination.project.project_id, "5d5c3fd6-f8fc-43ea-b38c-3343152c6470")

    forecast = triggering.forecast(source, typed)

    assert finding_of(forecast, Rule.DESTINATION_EXISTS) == (
        "warning",
        "BackupService.6120",
        "The project eu-nl_recovery is read by this dashboard, and it had no vault with this ID when it was last read.",
    )


def test_vault_id_that_is_none_is_warned_of(db):
    source = a_vault()
    told_backup(source)

    forecast = triggering.forecast(source, Destination("eu-nl", "f" * 32, "typed-by-hand"))

    assert finding_of(forecast, Rule.PARAMETERS)[:2] == ("warning", "BackupService.9900")


def test_vault_without_backups_is_a_blocker(db):
    [finding] = forecast_of(a_vault(), a_replication_vault()).findings

    assert (finding.blocking, finding.text) == (True, "The vault has no backups.")


def test_vault_whose_backups_are_all_there_is_a_warning(db):
    source = a_vault()
    told_backup(source, replicated_to=["eu-nl"])

    forecast = forecast_of(source, a_replication_vault())

    assert finding_of(forecast, Rule.NOT_THERE) == (
        "warning",
        "BackupService.1009",
        "Every backup that can be replicated is in this region already: nothing would be copied.",
    )
    assert {finding.rule for finding in forecast.findings} == {Rule.NOT_THERE, Rule.ONCE}


@pytest.mark.parametrize(
    ("sizes", "vault", "found"),
    [
        ([500], {}, ("ok", "")),
        (
            [500, 500],
            {"size_gb": 1000, "used_mb": 900 * 1024},
            (
                "warning",
                "The destination vault has 100 GB left; the servers behind the 2 backups have 1000 GB of disks in all. They may not fit.",
            ),
        ),
        (
            [300],
            {"size_gb": 1000, "used_mb": 900 * 1024, "auto_expand": True},
            (
                "ok",
                "It has 100 GB left for at most 300 GB. When it is full, the cloud adds 25 %, which is 250 GB.",
            ),
        ),
        (
            [500],
            {"size_gb": 1000, "used_mb": 900 * 1024, "auto_expand": True},
            (
                "warning",
                "It has 100 GB left for at most 500 GB. Even with the 25 % that the cloud adds when it is full, which is 250 GB, they may not fit.",
            ),
        ),
        (
            [40],
            {"size_gb": 1000, "used_mb": 1000 * 1024, "auto_expand": True},
            (
                "warning",
                "It is full and expands by itself, by 25 %. The cloud does not do so where that was switched on only after the vault was full.",
            ),
        ),
        ([None, 40], {}, ("unknown", "The size of 1 backup is not known.")),
        ([40], {"size_gb": None}, ("unknown", "The cloud did not tell how large it is, or how full.")),
    ],
)
def test_room_is_judged_by_upper_bounds_so_that_too_little_only_warns(db, sizes, vault, found):
    source = a_vault()
    for size in sizes:
        told_backup(source, resource_size_gb=size)

    state, code, text = finding_of(forecast_of(source, a_replication_vault(**vault)), Rule.ROOM)

    assert ((state, text), code) == (found, "BackupService.6129")


def test_unknown_size_makes_the_total_unknown_and_not_zero(db):
    source = a_vault()
    a_backup(vault=source, resource_size_gb=500)
    a_backup(vault=source, resource_size_gb=None)

    forecast = forecast_of(source, a_replication_vault())

    assert (forecast.total_gb, forecast.size.known_gb, forecast.size.unknown) == (None, 500, 1)


def test_forecast_costs_three_queries_and_one_less_for_whoever_knows_what_is_under_way(
    db, django_assert_num_queries
):
    source, destination = a_vault(), a_replication_vault()
    told_backup(source)
    wanted = Destination("eu-nl", destination.project.project_id, destination.vault_id, destination)

    with django_assert_num_queries(3):
        triggering.forecast(source, wanted)
    with django_assert_num_queries(2):
        triggering.forecast(source, wanted, under_way=[])


def test_forecast_that_was_stored_says_the_same(db):
    source, destination = a_vault(), a_replication_vault(used_mb=990 * 1024)
    told_backup(source, status="error")
    told_backup(source)
    forecast = forecast_of(source, destination)

    again = Forecast.restore(forecast.snapshot())

    def told(one):
        return (
            [(finding.rule, finding.state, finding.code, finding.text) for finding in one.rules],
            [
                (v.verdict, v.reason, v.backup.backup_id, v.backup.name, v.backup.created_at)
                for v in one.verdicts
            ],
            one.size,
            one.digest,
        )

    assert told(again) == told(forecast)


def test_stored_sentence_is_put_into_words_only_when_it_is_read(db, monkeypatch):
    source = a_vault()
    told_backup(source, status="error")
    stored = Forecast.restore(forecast_of(source, a_replication_vault()).snapshot())

    monkeypatch.setitem(TEXTS, "backup.status", "Zustand: %(status)s")

    assert stored.verdicts[0].reason == "Zustand: error"


def test_digest_changes_with_a_verdict_and_with_a_rule(db):
    source, destination = a_vault(), a_replication_vault()
    backup = told_backup(source)
    first = forecast_of(source, destination).digest
    same = forecast_of(source, destination).digest
    backup.status = "error"
    backup.save()
    other = forecast_of(source, destination).digest
    backup.delete()
    none = forecast_of(source, destination).digest

    assert first == same
    assert len({first, other, none}) == 3
