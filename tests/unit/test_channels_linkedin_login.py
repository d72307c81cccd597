"""LinkedIn's tokens: how they come, how they are renewed, and when they end."""

import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from dissemination.channels import linkedin
from dissemination.channels.linkedin.grant import ADDRESS, SECRET, TOKEN
from dissemination.errors import NeedsLoginError, UnavailableError
from dissemination.model import Level
from dissemination.testing import FixedClock, MemoryVault, sample_message, sample_options, sample_post
from dissemination.testing.linkedin import LINKEDIN_APP, LINKEDIN_PAGE, LINKEDIN_SECRETS, FakeLinkedIn
from dissemination.testing.loopback import FAULTS, Fault

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TOKENS = "POST /oauth/v2/accessToken"
DAY = timedelta(days=1)


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture(params=[True], ids=["partner"])
def server(clock, request):
    with FakeLinkedIn(clock.now, partner=request.param) as server:
        yield server


@pytest.fixture
def vault():
    return MemoryVault()


@pytest.fixture
def make_channel(tmp_path, server, clock, vault):
    made = []

    def make(secrets=(), vault=vault, **settings):
        section = {
            "organization": LINKEDIN_PAGE,
            "api_base": server.address,
            "login_base": server.address,
            "client_id": LINKEDIN_APP["client_id"],
            "redirect": LINKEDIN_APP["redirect"],
            "read_timeout": 0.3,
            **settings,
        }
        options = sample_options(
            tmp_path, dict(secrets).get, name="linkedin", settings=section, clock=clock, vault=vault
        )
        made.append(linkedin.make(options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def channel(make_channel):
    return make_channel()


def answers(channel, server, given=None):
    """What an officer enters, prompt by prompt."""
    given = dict(given or {})
    while asked := channel.prompts(given):
        for prompt in asked:
            given[prompt.name] = (
                LINKEDIN_APP["client_secret"] if prompt.name == SECRET else server.agree(prompt.url)
            )
    return given


def send(channel, text="One"):
    return channel.send(sample_message(sample_post(network="linkedin", text=text)), key="k")


def test_the_whole_way(channel, server, vault, clock):
    symptoms = channel.login(answers(channel, server))
    assert [symptom.said for symptom in symptoms] == [
        "posts as urn:li:organization:4711",
        "log in anew by 2027-11-16",
    ]
    assert [symptom.level for symptom in symptoms] == [None, None]
    assert send(channel)
    assert channel.expires() == NOW + 365 * DAY
    assert vault.kept["state"] == {}


@pytest.mark.parametrize("server", [False], ids=["no partner"], indirect=True)
def test_without_a_refresh_token_the_login_ends_in_sixty_days(channel, server, clock):
    symptoms = channel.login(answers(channel, server))
    assert symptoms[-1].said == "log in anew by 2027-01-15"
    assert channel.expires() == NOW + 60 * DAY
    clock.advance(60 * DAY)
    with pytest.raises(NeedsLoginError, match="401"):
        send(channel)
    assert TOKENS not in server.requests[2:]


def test_what_is_asked(channel, server):
    first, second = channel.prompts({})
    assert (first.name, first.secret, first.url) == (SECRET, True, "")
    assert (second.name, second.secret) == (ADDRESS, False)
    query = {name: values[-1] for name, values in parse_qs(urlsplit(second.url).query).items()}
    assert query.pop("state")
    assert query == {
        "response_type": "code",
        "client_id": LINKEDIN_APP["client_id"],
        "redirect_uri": LINKEDIN_APP["redirect"],
        "scope": "w_organization_social r_organization_social",
    }
    assert [prompt.name for prompt in channel.prompts({SECRET: "word"})] == [ADDRESS]
    assert channel.prompts({SECRET: "word", ADDRESS: "https://..."}) == []
    assert server.requests == []


def test_the_secret_is_not_asked_for_twice(make_channel, server, vault):
    known = make_channel({SECRET: LINKEDIN_APP["client_secret"]})
    assert [prompt.name for prompt in known.prompts({})] == [ADDRESS]
    channel = make_channel()
    channel.login(answers(channel, server))
    assert [prompt.name for prompt in channel.prompts({})] == [ADDRESS]
    assert channel.login(answers(channel, server))


def test_the_state_is_kept_between_prompts_and_processes(make_channel, server, clock):
    url = make_channel().prompts({})[-1].url
    assert make_channel().prompts({})[-1].url == url
    clock.advance(timedelta(hours=1))
    assert make_channel().prompts({})[-1].url != url


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address.replace("state=", "state=x"),
        lambda address: address.split("&state")[0],
        lambda _: "",
        lambda _: "what is this?",
        lambda _: "http://[",
        lambda address: address.replace("state=", "state=é"),
    ],
)
def test_an_address_of_a_stranger_is_refused(change, channel, server, vault):
    given = answers(channel, server)
    with pytest.raises(NeedsLoginError, match=r"^linkedin: the address is not the answer"):
        channel.login({**given, ADDRESS: change(given[ADDRESS])})
    assert "login" not in vault.kept
    assert server.requests == []


def test_an_address_is_good_once(channel, server):
    given = answers(channel, server)
    channel.login(given)
    with pytest.raises(NeedsLoginError, match="not the answer"):
        channel.login(given)


def test_a_member_who_does_not_agree(channel, server, vault):
    given = {SECRET: "word", ADDRESS: server.agree(channel.prompts({})[-1].url, error="The user cancelled")}
    with pytest.raises(NeedsLoginError, match=r"gives no access \(The user cancelled\)"):
        channel.login(given)
    assert "login" not in vault.kept


@pytest.mark.parametrize("wrong", [SECRET, ADDRESS])
def test_what_linkedin_refuses_is_not_kept(wrong, channel, server, vault):
    given = answers(channel, server)
    bad = "wrong-word" if wrong == SECRET else given[ADDRESS].replace("code-", "cod-")
    with pytest.raises(NeedsLoginError, match=r"LinkedIn gives no token \(.*\); run `disseminate login") as caught:
        channel.login({**given, wrong: bad})
    assert "login" not in vault.kept
    assert "wrong-word" not in str(caught.value)
    assert channel.login(given)


@pytest.mark.parametrize("request_", [TOKENS, "GET /rest/posts"])
@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "slow"])
def test_what_goes_wrong_while_logging_in(request_, fault, channel, server, vault):
    server.program(request_, FAULTS[fault])
    given = answers(channel, server)
    if request_ != TOKENS and fault.startswith("garbage"):
        assert channel.login(given)  # a page that is no refusal; sending shows the truth
        return
    with pytest.raises((UnavailableError, NeedsLoginError), match=r"^linkedin: "):
        channel.login(given)
    assert "login" not in vault.kept
    assert channel.login(answers(channel, server))


@pytest.mark.parametrize(
    "body", [b"{}", b'{"access_token": 7, "expires_in": 1}', b'{"access_token": "a b"}', b"[]"]
)
def test_a_token_that_cannot_be_read_is_not_told(body, channel, server, vault):
    server.program(TOKENS, Fault(body=body))
    with pytest.raises(UnavailableError, match="without a token") as caught:
        channel.login(answers(channel, server))
    assert caught.value.__cause__ is None
    assert "login" not in vault.kept


def test_scopes_that_are_missing_are_named(channel, server):
    server.scopes = ("w_organization_social",)
    symptoms = channel.login(answers(channel, server))
    assert [symptom.said for symptom in symptoms if symptom.level is Level.WARNING] == [
        "r_organization_social was not granted: after a lost answer a person must look",
        "the scope r_organization_social was not granted; log in anew with it",
    ]
    assert [symptom.level for symptom in channel.examine()] == [None, Level.WARNING]
    server.scopes = ("w_organization_social", "r_organization_social")
    assert channel.login(answers(channel, server))
    assert [symptom.level for symptom in channel.examine()] == [None]


def test_a_member_who_may_do_nothing_is_not_kept(channel, server, vault):
    server.scopes = ()
    with pytest.raises(NeedsLoginError, match="log in as a member who runs the page"):
        channel.login(answers(channel, server))
    assert "login" not in vault.kept


# Ready tokens


def test_a_ready_token(make_channel, server, vault):
    channel = make_channel(client_id="")
    [prompt] = channel.prompts({})
    assert (prompt.name, prompt.secret) == (TOKEN, True)
    symptoms = channel.login({TOKEN: LINKEDIN_SECRETS[TOKEN]})
    assert symptoms[-1].said == "log in anew by 2027-01-15"
    assert send(channel)
    with pytest.raises(NeedsLoginError):
        channel.login({TOKEN: "AQX-wrong"})
    assert send(channel, "Two")


def test_a_ready_token_ends_the_grant_before_it(channel, server, vault, clock):
    channel.login(answers(channel, server))
    channel.login({TOKEN: LINKEDIN_SECRETS[TOKEN]})
    assert set(vault.kept["login"]) == {TOKEN, "expires_at"}
    clock.advance(58 * DAY)
    send(channel)
    assert server.count(TOKENS) == 1


def test_a_token_of_the_environment_goes_first_and_is_not_kept(make_channel, server, vault):
    channel = make_channel(LINKEDIN_SECRETS)
    assert channel.prompts({}) == []
    assert channel.login({})[-1].said.startswith("the token comes from the environment")
    assert (vault.kept, channel.expires()) == ({"state": {}} if "state" in vault.kept else {}, None)
    assert send(channel)


def test_without_a_vault_there_is_no_login(make_channel, server):
    channel = make_channel(vault=None)
    with pytest.raises(NeedsLoginError, match="nowhere to keep a login; set LINKEDIN_ACCESS_TOKEN"):
        channel.prompts({})
    with pytest.raises(NeedsLoginError, match="nobody has logged in"):
        send(channel)
    assert channel.expires() is None
    assert send(make_channel(LINKEDIN_SECRETS, vault=None))


# Renewing


def test_tokens_are_renewed_a_week_before_they_end(channel, server, vault, clock):
    channel.login(answers(channel, server))
    old = dict(vault.kept["login"])
    clock.advance(52 * DAY)
    send(channel)
    assert (server.count(TOKENS), vault.kept["login"]) == (1, old)
    clock.advance(DAY)
    send(channel, "Two")
    send(channel, "Three")
    new = vault.kept["login"]
    assert server.count(TOKENS) == 2
    assert new[TOKEN] != old[TOKEN]
    assert datetime.fromisoformat(new["expires_at"]) == clock.now() + 60 * DAY
    # LinkedIn answered with an empty one; what was kept stays, with its end.
    assert (new["refresh_token"], new["refresh_expires_at"]) == (old["refresh_token"], old["refresh_expires_at"])
    assert channel.expires() == NOW + 365 * DAY


def test_new_tokens_are_written_before_they_are_used(channel, server, vault, clock):
    channel.login(answers(channel, server))
    clock.advance(55 * DAY)
    server.program("POST /rest/posts", FAULTS["reset before"])
    with pytest.raises(Exception, match="no answer came"):
        send(channel)
    assert datetime.fromisoformat(vault.kept["login"]["expires_at"]) == clock.now() + 60 * DAY


def test_one_asks_for_all(make_channel, server, clock):
    first = make_channel()
    first.login(answers(first, server))
    clock.advance(55 * DAY)
    channels = [make_channel(read_timeout=5) for _ in range(4)]
    start = threading.Barrier(4)

    def go(number):
        start.wait(5)
        send(channels[number], f"Post {number}")

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(server.posts), server.count(TOKENS)) == (4, 2)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "slow"])
def test_while_the_token_holds_a_failure_to_renew_costs_nothing(fault, channel, server, vault, clock):
    channel.login(answers(channel, server))
    before = vault.kept["login"]
    clock.advance(55 * DAY)
    server.program(TOKENS, FAULTS[fault], FAULTS[fault])  # for the post, and for looking at it
    assert send(channel)
    assert vault.kept["login"] == before
    send(channel, "Two")
    assert vault.kept["login"] != before


def test_after_its_end_it_must_be_renewed(channel, server, vault, clock):
    channel.login(answers(channel, server))
    clock.advance(61 * DAY)
    server.program(TOKENS, FAULTS["reset before"])
    with pytest.raises(UnavailableError):
        send(channel)
    assert send(channel)
    clock.advance(400 * DAY)
    with pytest.raises(NeedsLoginError, match="refresh token is invalid or expired"):
        send(channel, "Two")
    assert vault.kept["login"]["refresh_token"]
