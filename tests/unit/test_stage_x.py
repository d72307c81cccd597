"""The stage of X for the fault matrix: what it promises to the matrix."""

import pytest
from stages.x import Stage
from x_scene import NOW, message, pictured, send

from dissemination.channels import x
from dissemination.errors import InDoubtError, UnavailableError
from dissemination.testing import sample_options


def test_the_steps_are_those_of_the_dialogue(tmp_path):
    with Stage(lambda: NOW) as stage:
        channel = x.make(sample_options(tmp_path, stage.secrets.get, name=stage.name, settings=stage.settings))
        first = send(channel, pictured("One"))
        send(channel, message("Two", in_reply_to=first))
        assert [stage.count(step) for step in (*stage.steps, *stage.thread_steps)] == [1, 1, 1, 1]
        assert stage.posts() == ["One", "Two"]
        stage.fault(stage.steps[-1], "timeout after")
        with pytest.raises(InDoubtError):
            send(channel, message("Three"))
        with stage.closed(), pytest.raises(UnavailableError):
            send(channel, message("Four"))
        stage.repair()
        assert stage.posts() == ["One", "Two", "Three"]
