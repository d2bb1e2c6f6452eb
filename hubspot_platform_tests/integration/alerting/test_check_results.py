"""Reading check results from Dagster's storage, on its SQLite and PostgreSQL storages."""

import dagster as dg
import pytest

from hubspot_platform.automation.check_results import NOTHING_SEEN, Outcome, latest_cursors, news
from hubspot_platform.urls import postgres_url as url_for

KEY = dg.AssetCheckKey(dg.AssetKey(["hubspot", "contact"]), "rows")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def instance(request):
    overrides = {}
    if request.param == "postgresql":
        url = url_for(request.getfixturevalue("postgres_url"), "psycopg2")
        overrides = {"storage": {"postgres": {"postgres_url": url}}}
    with dg.instance_for_test(overrides=overrides) as found:
        yield found


def report(instance, passed, **metadata):
    """Report a result without a run, as an external process may."""
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=KEY.asset_key,
            check_name=KEY.name,
            passed=passed,
            metadata=metadata,
            severity=dg.AssetCheckSeverity.WARN,
            description="words",
        )
    )


def run_check(instance, body):
    @dg.asset(key=KEY.asset_key)
    def contact() -> None: ...

    @dg.asset_check(asset=KEY.asset_key, name=KEY.name)
    def rows() -> dg.AssetCheckResult:
        return body()

    job = dg.Definitions(
        assets=[contact],
        asset_checks=[rows],
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.checks(rows))],
    ).resolve_job_def("checks")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def read(instance, cursor=NOTHING_SEEN):
    found = news(instance, [KEY], {KEY: cursor})
    return (found[KEY].results, found[KEY].cursor) if found else ([], cursor)


def test_results_come_once_in_order_with_their_metadata(instance):
    for observed in (1, 2, 3):
        report(instance, passed=observed < 3, observed=observed, status="fail")
    results, cursor = read(instance)
    assert [result.metadata["observed"] for result in results] == [1, 2, 3]
    assert [result.outcome for result in results] == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED]
    assert not results[0].error_severity
    assert results[0].description == "words"
    assert read(instance, cursor) == ([], cursor)
    report(instance, passed=True, observed=4)
    assert [result.metadata["observed"] for result in read(instance, cursor)[0]] == [4]


def test_more_results_than_one_page_are_all_read(instance, monkeypatch):
    monkeypatch.setattr("hubspot_platform.automation.check_results.PAGE", 4)
    for observed in range(11):
        report(instance, passed=True, observed=observed)
    results, _ = read(instance)
    assert [result.metadata["observed"] for result in results] == list(range(11))


def test_a_check_that_raises_could_not_run(instance):
    def broken():
        raise RuntimeError("boom")

    assert not run_check(instance, broken).success
    (result,), _ = read(instance)
    assert result.outcome is Outcome.COULD_NOT_RUN
    assert result.run_id


def test_a_result_from_a_run_names_the_run(instance):
    done = run_check(instance, lambda: dg.AssetCheckResult(passed=False, metadata={"status": "fail"}))
    (result,), _ = read(instance)
    assert (result.run_id, result.outcome, result.error_severity) == (done.run_id, Outcome.FAILED, True)


def test_what_still_runs_stays_pending_while_later_results_are_taken(instance):
    """Ids are given at the start, so a late finisher lies behind the newest id."""
    late: list = []

    def slow():
        report(instance, passed=True, observed=2)
        results, cursor = read(instance)
        late.append((results, cursor))
        return dg.AssetCheckResult(passed=False, metadata={"observed": 1})

    run_check(instance, slow)
    ((results, cursor),) = late
    assert [result.metadata["observed"] for result in results] == [2]
    assert len(cursor[1]) == 1
    assert min(cursor[1]) < cursor[0]
    results, cursor = read(instance, cursor)
    assert [result.metadata["observed"] for result in results] == [1]
    assert cursor[1] == frozenset()


def test_the_first_start_counts_what_is_there_as_seen(instance):
    report(instance, passed=False, observed=1)
    cursor = latest_cursors(instance, [KEY])[KEY]
    assert read(instance, cursor)[0] == []
    report(instance, passed=False, observed=2)
    assert [result.metadata["observed"] for result in read(instance, cursor)[0]] == [2]


def test_the_first_start_in_the_middle_of_a_run_still_takes_its_result(instance):
    seeded: list = []

    def slow():
        seeded.append(latest_cursors(instance, [KEY])[KEY])
        return dg.AssetCheckResult(passed=False)

    run_check(instance, slow)
    assert len(read(instance, seeded[0])[0]) == 1
