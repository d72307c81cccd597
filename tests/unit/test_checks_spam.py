"""Scores of spam filters: against programs that only record and answer, and against the real SpamAssassin."""

from __future__ import annotations

import json
import shutil
from functools import partial

import pytest

from dissemination.checks import spam, spam_scorer
from dissemination.errors import ToolError
from dissemination.model import SpamRule

RAW = b"From: news@example.eu\r\nSubject: News \xe2\x82\xac\r\n\r\nWords.\r\n"
ASSASSIN = """\
X-Spam-Status: {verdict}, score={score} required=5.0 tests=BAYES_00,HTML_MESSAGE,
\tSUBJ_BUY autolearn=no version=4.0.1
Subject: News

Words.
 9.9 FORGED_RULE            the letter itself may write such lines
Content analysis details:   ({score} points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-1.9 BAYES_00               BODY: Bayes spam probability is 0 to 1%
 0.0 HTML_MESSAGE           BODY: HTML included in message
 0.6 SUBJ_BUY               Subject line starts with Buy or Buying
"""
RSPAMD = {
    "score": 2.94,
    "required_score": 15.0,
    "action": "no action",
    "symbols": {"R_PARTS_DIFFER": {"score": 0.5, "description": "Parts differ"}, "MIME_GOOD": {"score": -0.1}},
}


@pytest.fixture
def program(tmp_path, monkeypatch):
    """program("spamassassin", answer): an executable on an otherwise empty PATH that keeps what it was given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name, answer="", *, code=0, first=""):
        (tmp_path / "answer").write_text(answer, "utf-8")
        path = folder / name
        lines = (
            "#!/bin/sh",
            f'printf "%s\\n" "$@" > "{tmp_path}/arguments"',
            f'/bin/cat > "{tmp_path}/input"',
            first,
            f'/bin/cat "{tmp_path}/answer"',
            f"exit {code}",
        )
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o755)
        return tmp_path

    return make


def test_spamassassin_is_given_the_whole_message_and_asks_no_network(program):
    folder = program("spamassassin", ASSASSIN.format(verdict="No", score="-1.3"))
    spam_scorer()(RAW)
    assert (folder / "input").read_bytes() == RAW
    assert "-L" in (folder / "arguments").read_text().split()


def test_spamassassin_answers_with_score_threshold_and_what_fired(program):
    program("spamassassin", ASSASSIN.format(verdict="No", score="-1.3"))
    score = spam_scorer()(RAW)
    assert (score.program, score.score, score.threshold) == ("SpamAssassin", -1.3, 5.0)
    assert [rule.name for rule in score.rules] == ["SUBJ_BUY", "HTML_MESSAGE", "BAYES_00"]
    assert score.rules[0] == SpamRule(name="SUBJ_BUY", points=0.6, what="Subject line starts with Buy or Buying")


def test_what_is_taken_for_spam(program):
    program("spamassassin", ASSASSIN.format(verdict="Yes", score="7.5"))
    score = spam_scorer()(RAW)
    assert score.score >= score.threshold


def test_rspamd_is_asked_where_spamassassin_is_missing(program):
    folder = program("rspamc", f"Results for file: stdin (0.1 seconds)\n{json.dumps(RSPAMD)}\n")
    score = spam_scorer()(RAW)
    assert (score.program, score.score, score.threshold) == ("rspamd", 2.94, 15.0)
    assert score.rules[0] == SpamRule(name="R_PARTS_DIFFER", points=0.5, what="Parts differ")
    assert (folder / "input").read_bytes() == RAW


def test_neither_is_there(program):
    assert spam_scorer() is None


@pytest.mark.parametrize("name", ["spamassassin", "rspamc"])
@pytest.mark.parametrize("answer", ["", "{", "[]", "{}", '{"score": "x"}', "[" * 100_000, "X-Spam-Status: No\n\n"])
def test_an_answer_without_a_score(program, name, answer):
    program(name, answer)
    with pytest.raises(ToolError, match=f"{name}: no score in its answer"):
        spam_scorer()(RAW)


def test_a_program_that_fails_says_why(program):
    program("rspamc", code=1, first='echo "IO write error: Connection refused" >&2')
    with pytest.raises(ToolError, match="rspamc: IO write error: Connection refused"):
        spam_scorer()(RAW)


def test_a_program_that_says_nothing(program):
    program("spamassassin", code=3)
    with pytest.raises(ToolError, match="exit code 3"):
        spam_scorer()(RAW)


def test_a_program_that_never_answers(program, monkeypatch):
    program("spamassassin", first="exec /bin/sleep 60")
    monkeypatch.setattr(spam, "PATIENCE", 0.2)
    with pytest.raises(ToolError, match=r"no answer within 0\.2 s"):
        spam_scorer()(RAW)


def test_a_program_that_cannot_be_started(tmp_path):
    broken = tmp_path / "spamassassin"
    broken.write_bytes(b"\x00")
    broken.chmod(0o755)
    with pytest.raises(ToolError, match="cannot be started"):
        partial(spam.spamassassin, str(broken))(RAW)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="spamassassin is not installed (Debian package)")
def test_the_real_spamassassin_knows_a_good_letter_from_a_bad_one():
    good = spam.spamassassin("spamassassin", GOOD)
    # GTUBE, the line by which filters are tried.
    line = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    bad = spam.spamassassin("spamassassin", GOOD.replace(b"Words.", line))
    assert good.score < good.threshold
    assert bad.score >= bad.threshold
    assert bad.rules[0].name == "GTUBE"


GOOD = (
    b"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nFrom: News <news@example.eu>\r\nTo: Ana <ana@example.org>\r\n"
    b"Subject: News in November\r\nMessage-ID: <0123456789abcdef0123@example.eu>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nWords.\r\n"
)
