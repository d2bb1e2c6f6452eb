"""From the outbox to Slack: order, threads, groups, pace, faults."""

import logging
from dataclasses import replace

import pytest
import sqlalchemy as sa

from hubspot_platform.alerting.model import Severity
from hubspot_platform.automation.alert_delivery import Delivery, deliver
from hubspot_platform.state import alert_outbox as outbox
from hubspot_platform.state import incidents, leases
from hubspot_platform.state.alerting import alert_outbox, hubspot_alerts
from hubspot_platform_tests.unit.alerting.support import TOPIC, seen


@pytest.fixture
def desk(store, counter, clock):
    return Desk(store, counter, clock)


class Desk:
    """One state store and its deliveries."""

    def __init__(self, store, counter, clock):
        self.store, self.counter, self.clock = store, counter, clock

    def take(self, *observations, group=None):
        stamped = [replace(item, at=self.clock()) for item in observations]
        self.store.write(lambda conn: incidents.record(conn, stamped, self.clock(), group=group))

    def advance(self, **length):
        self.clock.forward(**length)
        self.store.write(lambda conn: incidents.advance_all(conn, self.clock()))

    def send(self) -> Delivery:
        return deliver(self.store, self.counter, pause=self.clock.pause)

    def send_all(self, rounds=40):
        for _ in range(rounds):
            if not self.send().waiting:
                return
        raise AssertionError("the outbox does not drain")

    def rows(self, table=alert_outbox):
        order = table.c.id if table is alert_outbox else table.c.first_seen_at
        return self.store.read(lambda conn: [row._mapping for row in conn.execute(sa.select(table).order_by(order))])

    def health(self):
        return self.store.read(lambda conn: outbox.delivery_health(conn, self.clock()))


def other(number: int):
    return replace(TOPIC, fingerprint=f"{number:032d}", subject=f"hubspot/table_{number}")


def test_an_alert_is_posted_stamped_and_carries_its_id(desk, slack):
    desk.take(seen("fail"))
    assert desk.send() == Delivery(sent=1, waiting=0)
    (message,) = slack.slack_messages()
    (alert,) = desk.rows(hubspot_alerts)
    assert message["metadata"]["event_payload"]["alert_ids"] == [alert["alert_id"]]
    assert (alert["thread_ts"], alert["channel"]) == (message["ts"], message["channel"])
    assert (alert["delivery_state"], alert["last_notified_at"]) == ("sent", desk.clock())
    (row,) = desk.rows()
    assert (row["state"], row["sent_at"], row["thread_ts"]) == ("sent", desk.clock(), message["ts"])
    assert desk.send() == Delivery()
    assert len(slack.slack_messages()) == 1


def test_case_089_recovery_is_one_reply_in_the_same_thread_and_the_parent_is_marked(desk, slack):
    desk.take(seen("fail"))
    desk.send()
    for minute in (60, 120):
        desk.clock.forward(hours=1)
        desk.take(seen("pass", minute))
    desk.send_all()
    parent, reply = slack.slack_messages()
    assert reply["thread_ts"] == parent["ts"]
    assert "Recovered" in reply["text"]
    assert parent["text"].startswith("✅")
    assert desk.rows(hubspot_alerts)[0]["state"] == "resolved"


def test_case_087_repeats_edit_the_parent_and_escalations_mention_in_the_thread(desk, slack):
    desk.take(seen("fail", severity=Severity.CRITICAL))
    desk.send()
    for minute in range(5, 65, 5):
        desk.advance(minutes=5)
        desk.take(seen("fail", minute, severity=Severity.CRITICAL))
        desk.send_all()
    parent, on_call, lead = slack.slack_messages()
    assert "13 times" in repr(parent["blocks"])
    assert on_call["text"].startswith("<!subteam^S1>")
    assert lead["text"].startswith("<@U9>")
    assert {on_call["thread_ts"], lead["thread_ts"]} == {parent["ts"]}


def test_case_086_300_failures_together_are_one_grouped_message_with_detail_in_the_thread(desk, slack):
    desk.take(*[seen("fail", number, topic=other(number)) for number in range(300)])
    desk.send_all()
    parent, detail = slack.slack_messages()
    assert "300 alerts opened together" in parent["text"]
    assert detail["thread_ts"] == parent["ts"]
    assert "and 290 more" in repr(detail["blocks"])
    assert {row["thread_ts"] for row in desk.rows(hubspot_alerts)} == {parent["ts"]}


def test_a_group_recovers_in_its_thread_and_its_parent_says_what_is_left(desk, slack):
    desk.take(*[seen("fail", number, topic=other(number)) for number in range(3)])
    desk.send_all()
    for minute in (60, 120):
        desk.clock.forward(hours=1)
        desk.take(*[seen("pass", minute + number, topic=other(number)) for number in range(2)])
    desk.send_all()
    parent, _, recovered = slack.slack_messages()
    assert parent["text"] == "🟠 1 of 3 alerts open: 1 warning"
    assert (recovered["text"], recovered["thread_ts"]) == (
        "Recovered: 2 alerts of this thread",
        parent["ts"],
    )


def test_alerts_that_open_later_in_the_same_run_join_the_thread(desk, slack):
    desk.take(seen("fail", 1, topic=other(1)))
    desk.send_all()
    desk.take(seen("fail", 2, topic=other(2)))
    desk.send_all()
    first, second = slack.slack_messages()
    assert second["thread_ts"] == first["ts"]


def test_no_more_than_one_message_a_second_after_a_burst_of_three(desk, slack):
    desk.take(*[seen("fail", n, topic=other(n), run_id=f"run-{n}") for n in range(8)])
    started = desk.clock()
    desk.send_all()
    assert len(slack.slack_messages()) == 8
    times = [row["sent_at"] for row in desk.rows()]
    assert [round((at - started).total_seconds()) for at in times] == [0, 0, 0, 1, 2, 3, 4, 5]


def test_a_tick_stops_in_time_and_the_next_goes_on(desk, slack):
    desk.take(*[seen("fail", n, topic=other(n), run_id=f"run-{n}") for n in range(40)])
    first = desk.send()
    assert first.stopped == "continues at the next tick"
    assert 20 <= first.sent < 40
    desk.send_all()
    assert len(slack.slack_messages()) == 40


def test_60_an_hour_for_what_is_not_critical_and_the_rest_becomes_a_summary(desk, slack):
    desk.take(*[seen("fail", n, topic=other(n), run_id=f"run-{n}") for n in range(70)])
    for _ in range(10):
        desk.send()
    assert len(slack.slack_messages()) == 60
    desk.take(seen("fail", 99, topic=other(99), severity=Severity.CRITICAL, run_id="run-99"))
    assert desk.send().stopped == "hourly limit reached"
    assert len(slack.slack_messages()) == 61
    desk.clock.forward(hours=1)
    desk.send_all()
    *_, summary = slack.slack_messages()
    assert len(slack.slack_messages()) == 62
    assert "10 open (10 warning)" in summary["text"]


def test_case_085_slack_down_keeps_rows_and_backs_off(desk, slack, caplog):
    slack.admin("slack/fault", {"http_status": 503})
    desk.take(seen("fail"))
    waits = []
    for _ in range(9):
        desk.send()
        (row,) = desk.rows()
        assert row["state"] == "pending"
        waits.append(round((row["next_attempt_at"] - desk.clock()).total_seconds()))
        desk.clock.now = row["next_attempt_at"]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    alert_id = desk.rows(hubspot_alerts)[0]["alert_id"]
    assert desk.health().red
    assert desk.health().failing_alert_ids == (alert_id,)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [alert_id in record.getMessage() for record in errors] == [True]
    slack.admin("slack/fault", {})
    desk.send_all()
    assert len(slack.slack_messages()) == 1
    assert not desk.health().red


def test_case_085_slack_that_asks_to_wait_is_not_asked_before(desk, slack):
    slack.admin("slack/fault", {"error": "ratelimited", "retry_after": 90, "count": 1})
    desk.take(seen("fail"))
    desk.send()
    desk.clock.forward(seconds=89)
    assert desk.send().sent == 0
    desk.clock.forward(seconds=1)
    assert desk.send().sent == 1


def test_case_085_a_revoked_token_keeps_rows_as_failed_logs_once_and_is_tried_again(desk, slack, caplog):
    slack.admin("slack/fault", {"error": "token_revoked"})
    desk.take(seen("fail"))
    for _ in range(3):
        assert desk.send().sent == 0
    (row,) = desk.rows()
    assert (row["state"], row["attempts"]) == ("failed", 1)
    assert "token_revoked" in row["reason"]
    assert desk.rows(hubspot_alerts)[0]["delivery_state"] == "failed"
    assert [r.levelno for r in caplog.records].count(logging.ERROR) == 1
    slack.admin("slack/fault", {})
    desk.clock.forward(minutes=15)
    assert desk.send().sent == 1


def test_case_085_a_long_body_is_split_over_blocks_that_fit(desk, slack):
    desk.take(seen("fail", detail="<long> & " * 1_500))
    desk.send_all()
    (message,) = slack.slack_messages()
    texts = [block["text"]["text"] for block in message["blocks"] if block["type"] == "section"]
    assert len(texts) > 4
    assert max(map(len, texts)) <= 2_900
    assert len(message["text"]) <= 2_900


def test_blocks_slack_does_not_take_are_sent_as_plain_text(desk, slack):
    slack.admin("slack/fault", {"error": "invalid_blocks", "count": 1})
    desk.take(seen("fail"))
    assert desk.send().sent == 1
    (message,) = slack.slack_messages()
    assert "blocks" not in message
    assert "identity fields present" in message["text"]


def test_a_message_slack_never_takes_does_not_hold_up_the_others(desk, slack, caplog):
    slack.admin("slack/fault", {"error": "invalid_arguments", "count": 2})
    desk.take(seen("fail", 1, topic=other(1), run_id="a"), seen("fail", 2, topic=other(2), run_id="b"))
    assert desk.send().sent == 1
    assert [(row["state"], row["next_attempt_at"]) for row in desk.rows()] == [("failed", None), ("sent", None)]
    assert "invalid_arguments" in caplog.text


def test_after_an_outage_of_half_an_hour_one_summary_replaces_the_messages(desk, slack):
    slack.admin("slack/fault", {"http_status": 503})
    for number in range(4):
        severity = Severity.CRITICAL if number == 3 else Severity.WARNING
        desk.take(seen("fail", number, topic=other(number), run_id=f"run-{number}", severity=severity))
        desk.send()
        desk.clock.forward(minutes=1)
    for _ in range(2):
        desk.advance(minutes=40)
    slack.admin("slack/fault", {})
    desk.send_all()
    summary, lead = slack.slack_messages()
    assert lead["text"].startswith("<@U9> ")
    assert lead["thread_ts"] == summary["ts"]
    assert summary["text"].startswith(
        "<!subteam^S1> Alerts that could not be sent earlier: 4 open (1 critical, 3 warning)"
    )


def test_without_a_token_rows_are_set_aside_with_a_reason_and_told_when_there_is_one(desk, slack):
    desk.take(seen("fail"))
    assert deliver(desk.store, None).sent == 0
    (row,) = desk.rows()
    assert (row["state"], row["reason"]) == ("suppressed", outbox.NO_TOKEN)
    assert desk.rows(hubspot_alerts)[0]["delivery_state"] == "suppressed"
    assert not desk.health().red
    assert desk.send().sent == 1


def test_what_was_set_aside_and_is_over_is_never_told(desk, slack):
    desk.take(seen("fail"))
    deliver(desk.store, None)
    desk.take(seen("pass", 60), seen("pass", 120))
    assert desk.send() == Delivery()
    assert slack.slack_messages() == []


def test_symptoms_are_told_when_their_cause_is_gone_and_they_are_not(desk, slack):
    cause = replace(TOPIC, fingerprint="c" * 32, condition="authentication")
    desk.take(seen("fail", topic=cause, severity=Severity.CRITICAL))
    desk.take(seen("fail", 1, run_id="run-2"))
    desk.send_all()
    assert len(slack.slack_messages()) == 1
    desk.take(seen("pass", 2, topic=cause), seen("pass", 3, topic=cause))
    desk.send_all()
    texts = [message["text"] for message in slack.slack_messages() if "thread_ts" not in message]
    assert len(texts) == 2
    assert "identity fields present" in texts[1]


def test_info_waits_for_the_daily_digest(desk, slack):
    desk.take(seen("fail", 1, topic=other(1), severity=Severity.INFO, run_id="a"))
    desk.take(seen("fail", 2, topic=other(2), severity=Severity.INFO, run_id="b"))
    assert desk.send() == Delivery()
    desk.clock.forward(hours=2)
    assert desk.send().sent == 1
    (digest,) = slack.slack_messages()
    assert digest["text"] == "Daily digest: 2 open (2 info), 0 recovered"


def test_a_crash_between_post_and_stamp_resends_with_the_same_alert_id(desk, slack):
    desk.take(seen("fail"))
    desk.send()
    desk.store.write(lambda conn: conn.execute(sa.update(alert_outbox).values(state="pending", sent_at=None)))
    desk.send()
    first, second = slack.slack_messages()
    assert first["metadata"] == second["metadata"]


def test_only_one_process_sends_at_a_time(desk, slack):
    from datetime import timedelta

    desk.take(seen("fail"))
    lease = leases.try_acquire(desk.store, "alert_delivery", "another", timedelta(minutes=1))
    assert desk.send() == Delivery(stopped="another process is sending")
    leases.release(desk.store, lease)
    assert desk.send().sent == 1


def test_case_096_markup_and_mentions_from_data_do_not_fire(desk, slack):
    topic = replace(TOPIC, title="<!channel> & <https://evil.example|click>", subject="@here <@U123>")
    desk.take(seen("fail", topic=topic, detail="company <!everyone> @channel"))
    desk.send()
    (message,) = slack.slack_messages()
    sections = [block for block in message["blocks"] if block["type"] != "header"]
    for text in (message["text"], repr(sections)):
        assert not any(mark in text for mark in ("<!", "<@", "<http", "@here", "@channel"))
    assert all(block["text"]["verbatim"] for block in sections if block["type"] == "section")
    assert "@here" not in message["blocks"][0]["text"]["text"]
