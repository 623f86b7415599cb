"""Sinks against real servers on this machine."""

import email
import email.policy
import json
import sys

import pytest
from servers import Hooks, Mail, serving

from crmtools.alert_settings import Sink
from crmtools.alerts import sinks
from crmtools.alerts.alert import Alert
from crmtools.alerts.sinks import Message, tell
from crmtools.errors import RunError
from crmtools.words import Text

SECRET = "t0p-s3cret"
ALERT = Alert("goal:nps:missed", Text("目标“净推荐值”：确认未达成", "Goal NPS: Missed"))
OLD = Alert("run:not_ended", Text("上次运行没有结束", "The last run did not end"))
MESSAGE = Message(
    "small", Text("微型公司", "The tiny company"), "20260101T000000-abcdef", "2025-Q4", (ALERT,), (), (OLD,)
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(sinks, "PAUSE", 0.01)


def sink(**written):
    return Sink.model_validate(written)


def test_a_file_gets_one_line_each_time(tmp_path):
    for _ in range(2):
        tell(sink(file="runs/alerts.jsonl", language="zh"), MESSAGE, root=tmp_path)
    first, second = (tmp_path / "runs" / "alerts.jsonl").read_text("utf-8").splitlines()
    assert first == second
    told = json.loads(first)
    assert told["new"] == [{"key": ALERT.key, "en": ALERT.text.en, "zh": ALERT.text.zh}]
    assert told["resolved"][0]["key"] == OLD.key
    assert "确认未达成" in told["text"]
    assert told["run_id"] == MESSAGE.run_id


def test_a_webhook_gets_json_with_its_token(tmp_path):
    with serving(Hooks()) as server:
        tell(sink(webhook=server.address, token_env="HOOK"), MESSAGE, root=tmp_path, environment={"HOOK": SECRET})
    ((path, headers, body),) = server.taken
    assert path == "/hook"
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(body) == MESSAGE.to_dict("en")
    assert json.loads(body)["text"].splitlines()[0] == "The tiny company, 2025-Q4: 1 new, 1 resolved"


def test_a_webhook_that_is_busy_is_asked_again(tmp_path):
    with serving(Hooks([503, 429])) as server:
        tell(sink(webhook=server.address, retries=2), MESSAGE, root=tmp_path)
    assert len(server.taken) == 3


@pytest.mark.parametrize(("answers", "tries"), [([404], 1), ([503] * 3, 3), ([302], 1)])
def test_a_webhook_that_says_no(tmp_path, answers, tries):
    """What asking again does not mend is not asked again, and a token does not follow to another address."""
    with serving(Hooks(answers)) as server, pytest.raises(RunError, match=f"answered {answers[0]}"):
        tell(sink(webhook=server.address, retries=2), MESSAGE, root=tmp_path)
    assert len(server.taken) == tries
    assert {path for path, _, _ in server.taken} == {"/hook"}


def test_a_webhook_that_hangs_is_given_up(tmp_path):
    with serving(Hooks(delay=2)) as server, pytest.raises(RunError, match="cannot be reached"):
        tell(sink(webhook=server.address, seconds=0.2, retries=0), MESSAGE, root=tmp_path)


def test_a_secret_address_is_in_no_message(tmp_path):
    with serving(Hooks()) as server:
        address = server.address
    address = f"{address}/{SECRET}"  # nobody is there any more
    for wrong in (address, f"ftp://{SECRET}", f"http://[{SECRET}"):
        with pytest.raises(RunError) as error:
            tell(sink(webhook_env="HOOK", retries=0), MESSAGE, root=tmp_path, environment={"HOOK": wrong})
        assert SECRET not in str(error.value)
        assert error.value.__cause__ is None


def test_a_variable_that_is_not_set_is_named(tmp_path):
    with pytest.raises(RunError, match="HOOK is not set"):
        tell(sink(webhook_env="HOOK"), MESSAGE, root=tmp_path, environment={})


def mail_to(server, **more):
    port = server.server_address[1]
    return sink(**({"smtp": f"127.0.0.1:{port}", "from": "crm@example.com", "to": ["a@example.com", "b@example.com"],
                    "security": "none", "language": "zh"} | more))  # fmt: skip


def test_mail_in_chinese(tmp_path):
    with serving(Mail(refuse=1)) as server:
        tell(mail_to(server), MESSAGE, root=tmp_path)
    assert server.greeted == 2
    (letter,) = server.letters
    assert [line.split(":")[1].split()[0] for line in letter["to"]] == ["<a@example.com>", "<b@example.com>"]
    read = email.message_from_bytes(letter["body"], policy=email.policy.default)
    assert read["Subject"] == "微型公司（2025-Q4）：1 条新告警，1 条已解除"
    assert ALERT.text.zh in read.get_content()
    assert read["Date"]
    assert read["Message-ID"]


def test_mail_that_cannot_be_sent(tmp_path):
    with serving(Mail(refuse=9)) as server, pytest.raises(RunError, match="cannot be used"):
        tell(mail_to(server, retries=1), MESSAGE, root=tmp_path)
    assert server.greeted == 2
    with serving(Mail()) as server, pytest.raises(RunError, match=r"cannot be used.*STARTTLS"):
        tell(mail_to(server, security="starttls", retries=0), MESSAGE, root=tmp_path)
    with serving(Mail()) as server, pytest.raises(RunError, match="refused"):
        tell(mail_to(server, to=["nobody@example.com"]), MESSAGE, root=tmp_path)
    assert server.greeted == 1


def test_a_title_cannot_add_headers(tmp_path):
    evil = Message("small", Text("x\nBcc: z@example.com", "x\nBcc: z@example.com"), "r", "2025-Q4", (ALERT,))
    with serving(Mail()) as server:
        tell(mail_to(server), evil, root=tmp_path)
    read = email.message_from_bytes(server.letters[0]["body"], policy=email.policy.default)
    assert "Bcc" not in read
    assert len(server.letters[0]["to"]) == 2


def command(code, **more):
    return sink(command=[sys.executable, "-c", code], **more)


def test_a_command_gets_json_on_its_input(tmp_path):
    tell(command("import sys; open('told.json', 'w', encoding='utf-8').write(sys.stdin.buffer.read().decode('utf-8'))"),
         MESSAGE, root=tmp_path)  # fmt: skip
    assert json.loads((tmp_path / "told.json").read_text("utf-8")) == MESSAGE.to_dict("en")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (command("import sys; sys.exit('no line today')"), "ended with 1: no line today"),
        (command("import time; time.sleep(9)", seconds=0.3), "did not end within 0.3 seconds"),
        (sink(command=["no-such-program-here"]), "no-such-program-here"),
    ],
)
def test_a_command_that_fails(tmp_path, made, said):
    with pytest.raises(RunError, match=said):
        tell(made, MESSAGE, root=tmp_path)


def test_a_secret_that_a_command_blurts_out_is_cut_out(tmp_path):
    blurts = command(f"import sys; sys.exit('no entry with {SECRET}')", token_env="TOKEN")
    with pytest.raises(RunError, match="no entry with •••"):
        tell(blurts, MESSAGE, root=tmp_path, environment={"TOKEN": SECRET})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, "exactly one"),
        ({"file": "a", "webhook_env": "A"}, "exactly one"),
        ({"webhook": "https://me:pw@example.com"}, "webhook_env"),
        ({"webhook": "https://example.com/?key=1"}, "webhook_env"),
        ({"webhook": "ftp://example.com"}, "https://"),
        ({"webhook_env": "https://secret"}, "name of an environment variable"),
        ({"smtp": "mail.example.com"}, "from and to"),
        ({"smtp": "h", "from": "a", "to": ["b"], "user_env": "U"}, "belong together"),
        ({"smtp": "h", "from": "a", "to": ["b"], "user_env": "U", "password_env": "P", "security": "none"}, "encryption"),
        ({"command": []}, "at least its program"),
    ],
)  # fmt: skip
def test_a_wrong_sink_says_what_is_wrong(written, said):
    with pytest.raises(ValueError, match=said):
        sink(**written)
