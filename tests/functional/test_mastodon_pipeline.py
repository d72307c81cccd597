"""The whole house and a server that knows no Idempotency-Key: the pipeline looks before it sends again."""

from datetime import UTC, datetime, timedelta

import pytest
from folder import write_item, write_project
from stages.mastodon import OtherStage, Stage

from dissemination.bootstrap import make_app
from dissemination.model import State
from dissemination.testing import FixedClock
from dissemination.testing.loopback import FAULTS

POST = "POST /api/v1/statuses"
LOOKED = ["GET /api/v1/accounts/verify_credentials", "GET /api/v1/accounts/:id/statuses"]


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 11, 16, 9, 0, tzinfo=UTC))


@pytest.fixture(params=[Stage, OtherStage])
def stage(request, clock):
    with request.param(clock.now) as stage:
        yield stage


@pytest.fixture
def app(tmp_path, stage, clock):
    root = tmp_path / "project"
    channel = {"use": "mastodon", "languages": ["en"], **stage.settings}
    write_project(root, news={"channels": {"mastodon": "auto"}}, channels={"mastodon": channel})
    write_item(root, "meeting")
    environ = {f"DISSEMINATION_{name}": value for name, value in stage.secrets.items()}
    app = make_app(root, clock=clock, environ=environ)
    app.approve([], who="test", everything=True)
    yield app
    app.close()


def passes(app, clock, minutes):
    """Publish until it is out; the state after each pass."""
    states = []
    while State.PUBLISHED not in states and len(states) < 6:
        with app.publishing():
            app.publish()
        (publication,) = app.parts.store.publications.in_state(*State)
        states.append(publication.state)
        app.resume("mastodon", who="test")  # a 401 pauses it, also while looking
        clock.advance(timedelta(minutes=minutes))
    return states


@pytest.mark.parametrize("minutes", [2, 90])
def test_a_lost_answer_is_looked_up_and_the_post_adopted(app, stage, clock, minutes):
    stage.fault(POST, "timeout after")
    assert passes(app, clock, minutes) == [State.IN_DOUBT, State.PUBLISHED]
    assert (len(stage.posts()), stage.count(POST), [stage.count(one) for one in LOOKED]) == (1, 1, [1, 1])


@pytest.mark.parametrize("minutes", [2, 90])
def test_what_is_certainly_not_there_is_sent_again(app, stage, clock, minutes):
    stage.fault(POST, "reset before")
    states = passes(app, clock, minutes)
    assert (states[0], states[-1]) == (State.IN_DOUBT, State.PUBLISHED)
    assert (len(stage.posts()), stage.count(POST), stage.count(LOOKED[1])) == (1, 2, 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_looking_that_fails_is_tried_again(app, stage, clock, fault):
    stage.fault(POST, "500 after")
    stage.fault(LOOKED[1], fault)
    states = passes(app, clock, 2)
    assert (states[0], states[-1]) == (State.IN_DOUBT, State.PUBLISHED)
    assert (len(stage.posts()), stage.count(POST)) == (1, 1)
