import orjson
import pytest

from hubspot_platform.hubspot import errors
from hubspot_platform.hubspot.retry import Accept, Decision, GiveUp, History, Outcome, Retries, Wait, decide, parse_json
from hubspot_platform.lanes import Bucket

JSON = {"content-type": "application/json;charset=utf-8"}
HTML = {"content-type": "text/html"}


def judge(
    outcome: Outcome, *, failures: int = 1, limited: int = 1, waited: float = 0.0, jitter: float = 0.5
) -> Decision:
    return decide(
        "GET /crm/v3/objects/contacts",
        outcome,
        History(failures, limited, waited),
        retries=Retries(),
        bucket=Bucket.API,
        random=lambda: jitter,
    )


def error_of(outcome: Outcome, **history: float) -> errors.HubSpotError:
    decision = judge(outcome, **history)  # type: ignore[arg-type]
    assert isinstance(decision, GiveUp)
    return decision.error


def answer(status: int, body: object = None, **headers: str) -> Outcome:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Outcome(status, {**JSON, **named}, orjson.dumps(body or {}))


def limit(policy_name: str, **headers: str) -> Outcome:
    return answer(429, {"policyName": policy_name, "message": "You have reached your limit."}, **headers)


@pytest.mark.parametrize("status", [200, 201, 204, 207])
def test_success_and_partial_success_are_accepted(status: int) -> None:
    assert judge(answer(status)) == Accept()


def test_case_051_retry_after_is_waited_exactly_and_slows_every_process() -> None:
    assert judge(limit("TEN_SECONDLY_ROLLING", retry_after="3.5")) == Wait(3.5, penalise=Bucket.API)


def test_case_051_limits_wait_as_their_policy_says() -> None:
    rolling = [judge(limit("TEN_SECONDLY_ROLLING"), limited=n, jitter=1.0) for n in range(1, 6)]
    assert [w.seconds for w in rolling if isinstance(w, Wait)] == [2.5, 5.0, 10.0, 10.0, 10.0]
    assert judge(limit("SECONDLY"), jitter=0.0) == Wait(1.0, penalise=Bucket.SEARCH)


def test_case_051_a_limit_storm_is_ridden_out_by_time_not_by_count() -> None:
    assert isinstance(judge(limit("TEN_SECONDLY_ROLLING"), limited=60, waited=600.0), Wait)
    assert isinstance(error_of(limit("TEN_SECONDLY_ROLLING"), limited=99, waited=899.0), errors.RateLimited)


def test_case_051_the_daily_limit_stops_the_run_at_once() -> None:
    error = error_of(limit("DAILY"))
    assert isinstance(error, errors.DailyLimitReached)
    assert "midnight" in error.mend


def test_a_limit_without_a_readable_policy_is_the_limit_of_its_own_bucket() -> None:
    assert judge(Outcome(429, HTML, b"<html>slow down</html>")) == Wait(1.875, penalise=Bucket.API)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 521, 522, 523, 524])
def test_case_052_server_faults_back_off_with_full_jitter(status: int) -> None:
    outcome = Outcome(status, HTML, b"<html>{not json</html>")
    assert judge(outcome, failures=1, jitter=0.0) == Wait(0.0)
    assert judge(outcome, failures=2, jitter=0.5) == Wait(1.0)


def test_case_052_backoff_doubles_up_to_its_cap_and_ends_after_eight_tries() -> None:
    reset = Outcome(None, fault="no answer (ClientOSError)")
    waits = [judge(reset, failures=n, jitter=1.0) for n in range(1, 8)]
    assert [w.seconds for w in waits if isinstance(w, Wait)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    error = error_of(reset, failures=8)
    assert isinstance(error, errors.Unavailable)
    assert "no answer (ClientOSError)" in str(error)


def test_case_052_html_is_never_quoted_nor_parsed() -> None:
    error = error_of(Outcome(503, HTML, b'{"message":"<html>"}'), failures=8)
    assert "html" not in str(error)
    assert error.status == 503


def test_case_052_a_lock_waits_at_least_its_two_seconds() -> None:
    assert judge(answer(423), jitter=0.0) == Wait(2.0)


def test_case_052_a_portal_that_moves_for_long_parks_the_run() -> None:
    assert judge(Outcome(477, {"retry-after": "30"})) == Wait(30.0)
    error = error_of(Outcome(477, {"retry-after": "7200"}))
    assert isinstance(error, errors.PortalMoving)
    assert error.retry_after == 7200.0


@pytest.mark.parametrize("status", [504, 524])
def test_calls_too_heavy_for_the_edge_are_repeated_only_a_few_times(status: int) -> None:
    assert isinstance(judge(Outcome(status), failures=2), Wait)
    assert isinstance(error_of(Outcome(status), failures=3), errors.Unavailable)


def test_case_062_a_broken_success_is_asked_for_again_and_then_named() -> None:
    broken = Outcome(200, JSON, fault="the answer is broken JSON")
    assert isinstance(judge(broken), Wait)
    assert isinstance(error_of(broken, failures=8), errors.MalformedResponse)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Invalid),
        (401, errors.Unauthorized),
        (403, errors.MissingScope),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (414, errors.Invalid),
        (301, errors.Invalid),
        (526, errors.Unavailable),
    ],
)
def test_refusals_are_not_repeated(status: int, kind: type[errors.HubSpotError]) -> None:
    assert type(error_of(answer(status))) is kind


def test_case_050_a_missing_scope_is_named() -> None:
    body = {
        "category": "MISSING_SCOPES",
        "message": "This app hasn't been granted all required scopes to make this call.",
        "errors": [{"message": "…", "context": {"requiredGranularScopes": ["crm.objects.deals.read"]}}],
    }
    error = error_of(answer(403, body, x_hubspot_correlation_id="c-1"))
    assert isinstance(error, errors.MissingScope)
    assert error.scopes == ("crm.objects.deals.read",)
    assert "crm.objects.deals.read" in error.mend
    assert (error.category, error.correlation_id) == ("MISSING_SCOPES", "c-1")


def test_every_field_of_an_error_body_may_be_missing_or_odd() -> None:
    for body in ([], {"errors": ["x", {"context": 1}]}, {"message": None, "errors": {}}):
        assert isinstance(error_of(answer(403, body)), errors.MissingScope)


def test_errors_hide_addresses_and_tokens() -> None:
    text = "Contact ann@example.com already exists, token pat-na1-11111111-2222-3333-4444-555555555555"
    message = str(error_of(answer(409, {"message": text})))
    assert "ann@" not in message
    assert "pat-na1" not in message
    assert "<email>" in message


def test_json_with_a_lone_surrogate_is_read_and_truncated_json_is_not() -> None:
    assert parse_json(b'{"a":"\\ud83d"}') == {"a": "\ud83d"}
    for broken in (b'{"a":"\\ud83d', b'{"a": NaN}', b""):
        with pytest.raises(ValueError):
            parse_json(broken)
