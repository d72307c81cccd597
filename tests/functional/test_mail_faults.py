"""Every fault at every step, in every way of speaking: exactly one outcome a message, and always a true one."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from mailing import drive, judge, letters, only, settle
from smtp_process import mixed

from dissemination.channels.email import make
from dissemination.errors import InDoubtError, NotBegunError, RejectedError, UnavailableError
from dissemination.model import Receipt
from dissemination.testing import sample_options

#: For three connections: the first three plans are theirs, the fourth strikes a message in the middle.
PEOPLE = 24
#: How a server speaks: what it offers, and how it encrypts.
MODES = {
    "plain": {"offers": ("8BITMIME",)},
    "pipelining": {"offers": ("8BITMIME", "PIPELINING")},
    "chunking": {"offers": ("8BITMIME", "PIPELINING", "CHUNKING")},
    "chunking-alone": {"offers": ("8BITMIME", "CHUNKING")},
    "starttls": {"offers": ("8BITMIME", "PIPELINING", "CHUNKING"), "tls": True},
    "implicit": {"offers": ("8BITMIME", "PIPELINING"), "tls": True, "implicit": True},
}
CLEAR = ("plain", "pipelining", "chunking")

LATER, NEVER, UNSURE = {UnavailableError}, {RejectedError}, {InDoubtError}
#: Nothing of the message went out: another connection may take it at once, or it is put off.
EITHER = {Receipt, UnavailableError}

#: An answer that concerns one message only: plan -> what is said of that one. Everybody else's is sent.
ANSWERS = {
    "451@mail": LATER,
    "550@mail": LATER,
    "450@rcpt": LATER,
    "451@rcpt": LATER,
    "452@rcpt": LATER,
    "550@rcpt": NEVER,
    "553@rcpt": NEVER,
    "451@data": LATER,
    "554@data": NEVER,
    "451@dot": LATER,
    "452@dot": LATER,
    "550@dot": NEVER,
    "554@dot": NEVER,
}
#: A fault that ends a connection: plan -> what may be said of the message that it struck.
ENDS = {
    "421@mail": EITHER,
    "421@rcpt": EITHER,
    "421@data": EITHER,
    "421@dot": EITHER,
    "drop@mail": EITHER,
    "drop@rcpt": EITHER,
    "drop@data": EITHER,
    "drop@body": EITHER | UNSURE,
    "drop@dot": UNSURE,
    "lose@dot": UNSURE,
    "garbage@mail": EITHER,
    "garbage@rcpt": EITHER,
    "garbage@data": EITHER,
    "garbage@dot": UNSURE,
    "199@dot": UNSURE,
}
#: The end comes while the client writes; what was answered before is still there to read.
RESETS = {"reset@mail": EITHER, "reset@rcpt": EITHER, "reset@data": EITHER, "reset@dot": UNSURE}
STALLS = {
    "stall@mail": EITHER,
    "stall@rcpt": EITHER,
    "stall@data": EITHER,
    "stall@body": EITHER | UNSURE,
    "stall@dot": UNSURE,
}
GATES = ("421@connect", "554@connect", "drop@connect", "garbage@connect", "421@ehlo", "drop@ehlo", "garbage@ehlo")


@pytest.fixture
def meeting(tmp_path, smtp_server, request):
    """Starts a server that speaks in a mode, and a channel towards it: meeting("chunking", "ok", "drop@rcpt")."""
    channels = []

    def start(mode, *script, timeout=20.0, **options):
        options = MODES[mode] | options
        chosen = {"tls": "none"}
        if options.get("tls"):
            options["tls"] = request.getfixturevalue("server_tls")
            certificate = request.getfixturevalue("certificate")
            chosen = {"tls": "implicit" if options.get("implicit") else "starttls", "ca_file": str(certificate[0])}
        server = smtp_server(*script, **options)
        chosen |= {"sender": "news@example.eu", "host": "localhost", "port": server.port}
        chosen |= {"timeout_seconds": timeout, "final_timeout_seconds": timeout}
        channels.append(make(sample_options(tmp_path, name="email", settings=chosen)))
        return server, channels[-1]

    yield start
    for channel in channels:
        channel.close()


def people(count=PEOPLE):
    return letters([f"p{n}@example.org" for n in range(count)], langs=("ro",))


def kind(outcome):
    """The class that decides what happens next."""
    return next(
        known
        for known in (Receipt, RejectedError, UnavailableError, InDoubtError, object)
        if isinstance(outcome, known)
    )


def chunked(mode) -> bool:
    """Whether whole messages are under way before the first is answered."""
    return "CHUNKING" in MODES[mode]["offers"]


def send_and_send_again(server, channel, messages):
    """The kinds of the first outcomes; then what was not settled is sent again, and everything has come true."""
    first = only(drive(channel, messages))
    assert set(first) == {message.key for message in messages}
    judge(server, messages, {key: [outcome] for key, outcome in first.items()})
    left = [m for m in messages if kind(first[m.key]) in {UnavailableError, InDoubtError}]
    second = settle(channel, left)
    both = {key: [outcome, *second.get(key, ())] for key, outcome in first.items()}
    judge(server, messages, both)
    assert all(kind(said[-1]) in {Receipt, RejectedError} for said in both.values()), both
    assert not server.early
    return Counter(map(kind, first.values()))


def cases(table, modes):
    """Each plan in each mode; DATA is not said where CHUNKING is offered."""
    return [
        pytest.param(mode, plan, id=f"{plan}-{mode}")
        for plan, mode in itertools.product(table, modes)
        if not (chunked(mode) and plan.endswith("@data"))
    ]


@pytest.mark.parametrize(("mode", "plan"), cases(ANSWERS, MODES))
def test_an_answer_to_one_is_of_that_one_alone(meeting, mode, plan):
    server, channel = meeting(mode, *["ok"] * 3, plan)
    kinds = send_and_send_again(server, channel, people())
    [wanted] = ANSWERS[plan]
    assert kinds == {Receipt: PEOPLE - 1, wanted: 1}


@pytest.mark.parametrize(
    ("mode", "plan"), [*cases(ENDS, MODES), *cases({"lose@bdat": UNSURE, "drop@bdat": UNSURE}, ("chunking",))]
)
def test_an_end_in_the_middle_costs_at_most_the_one_it_struck(meeting, mode, plan):
    server, channel = meeting(mode, *["ok"] * 3, plan)
    judge_an_end(mode, send_and_send_again(server, channel, people()), ENDS.get(plan, UNSURE))


@pytest.mark.parametrize(("mode", "plan"), cases(RESETS, CLEAR))
def test_a_reset_takes_back_no_answer(meeting, mode, plan):
    server, channel = meeting(mode, *["ok"] * 3, plan)
    judge_an_end(mode, send_and_send_again(server, channel, people()), RESETS[plan])


@pytest.mark.parametrize(("mode", "plan"), cases(STALLS, CLEAR))
def test_a_silent_server_costs_at_most_the_one_it_struck(meeting, mode, plan):
    server, channel = meeting(mode, *["ok"] * 3, plan, timeout=0.5)
    judge_an_end(mode, send_and_send_again(server, channel, people()), STALLS[plan])


def judge_an_end(mode, kinds, allowed):
    """Where whole messages are under way, those behind the struck one may be in doubt too."""
    hit = PEOPLE - kinds[Receipt]
    if chunked(mode):
        assert set(kinds) <= {Receipt, InDoubtError} | allowed
        assert hit < PEOPLE
    else:
        assert hit <= 1
        assert set(kinds) <= {Receipt} | allowed
        assert hit or Receipt in allowed


@pytest.mark.parametrize(("mode", "plan"), [(mode, plan) for plan in GATES for mode in ("chunking", "plain")])
def test_a_closed_gate_sends_nothing_and_rejects_nobody(meeting, mode, plan):
    server, channel = meeting(mode, plan)
    kinds = send_and_send_again(server, channel, people())
    assert set(kinds) <= EITHER


@pytest.mark.parametrize("step", ["connect", "ehlo"])
def test_a_silent_gate(meeting, step):
    server, channel = meeting("chunking", f"stall@{step}", timeout=0.5)
    assert set(send_and_send_again(server, channel, people())) <= EITHER


def test_nobody_is_put_off_for_good_where_no_gate_opens(meeting):
    """The same answer to everybody, in the time that one needs and not each."""
    server, channel = meeting("chunking", *["stall@connect"] * 500, timeout=0.5)
    outcomes = only(drive(channel, people()))
    assert {kind(outcome) for outcome in outcomes.values()} == LATER
    assert server.connections < PEOPLE


@pytest.mark.parametrize("mode", CLEAR)
def test_451_twice_and_then_taken(meeting, mode):
    server, channel = meeting(mode, "451@rcpt", "451@rcpt")
    [message] = people(1)
    [said] = settle(channel, [message]).values()
    assert [kind(outcome) for outcome in said] == [UnavailableError, UnavailableError, Receipt]
    judge(server, [message], {message.key: said})


@pytest.mark.parametrize("replies", ["bytes", "split", "long"])
@pytest.mark.parametrize("mode", ["plain", "pipelining", "chunking", "starttls"])
def test_replies_in_pieces_and_at_length(meeting, mode, replies):
    plans = ("451@rcpt", "ok", "550@rcpt", "451@dot", "lose@dot")
    server, channel = meeting(mode, *["ok"] * 3, *plans, replies=replies)
    kinds = send_and_send_again(server, channel, people())
    struck = kinds[RejectedError], kinds[UnavailableError]
    if chunked(mode):  # an answer that was not read yet may be lost with its connection: then it is in doubt
        assert kinds[RejectedError] <= 1
        assert kinds[UnavailableError] <= 2
        assert sum(struck) + kinds[InDoubtError] >= 4
    else:
        assert struck == (1, 2)
        assert kinds[InDoubtError] >= 1


@pytest.mark.parametrize("mode", CLEAR)
def test_a_server_that_takes_a_few_on_each_connection_costs_nobody(meeting, mode):
    server, channel = meeting(mode, limit=5)
    kinds = send_and_send_again(server, channel, people())
    assert kinds == {Receipt: PEOPLE}
    assert server.connections >= PEOPLE // 5


@pytest.mark.parametrize("mode", ["plain", "pipelining"])
@pytest.mark.parametrize("lax", ["250 2.0.0 fine", "554 5.5.1 no valid recipients"])
def test_a_refused_recipient_and_go_on_nevertheless(meeting, mode, lax):
    """RFC 2920, 3.1: the answer to an empty message says nothing of anybody."""
    server, channel = meeting(mode, lax=lax, refuse={"p3@example.org": "550 5.1.1 no such user"})
    messages = people()
    kinds = send_and_send_again(server, channel, messages)
    assert kinds == {Receipt: PEOPLE - 1, RejectedError: 1}
    assert "p3@example.org" not in {mail.recipient for mail in server.accepted}


@pytest.mark.parametrize(
    ("mode", "broken"),
    [("pipelining", "503"), ("pipelining", "flush"), ("pipelining", "flush@dot"), ("chunking", "503")],
)
def test_pipelining_in_name_only_rejects_nobody_and_claims_nothing(meeting, mode, broken):
    server, channel = meeting(mode, broken=broken, timeout=0.5)
    messages = people(8)
    outcomes = only(drive(channel, messages))
    judge(server, messages, {key: [outcome] for key, outcome in outcomes.items()})
    assert {kind(outcome) for outcome in outcomes.values()} <= EITHER | UNSURE


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_any_mix_of_faults_comes_true(meeting, mode, seed):
    mix = {
        "451@rcpt": 0.08,
        "550@rcpt": 0.04,
        "lose@dot": 0.03,
        "drop@*": 0.03,
        "421@mail": 0.02,
        "garbage@dot": 0.01,
    }
    server, channel = meeting(mode, *itertools.islice(mixed(mix, seed), 400))
    kinds = send_and_send_again(server, channel, people(200))
    assert kinds[Receipt] > 50
    assert kinds[RejectedError] > 0


def test_not_begun_is_no_attempt(meeting):
    """What was not tried says so, so that it costs no attempt."""
    server, channel = meeting("plain", *["421@connect"] * 100)
    outcomes = only(drive(channel, people()))
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes.values())
    if hasattr(channel, "line"):
        assert (
            sum(isinstance(outcome, NotBegunError) for outcome in outcomes.values()) >= PEOPLE - server.connections
        )
