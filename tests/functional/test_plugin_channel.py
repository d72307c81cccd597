"""Another package adds a channel: installed as usual, found by its entry point, kept to the same contract."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "dissemination-pigeon"
version = "1.0"

[project.entry-points."dissemination.channels"]
pigeon = "dissemination_pigeon:make"
"""

CHANNEL = '''
"""Posts by carrier pigeon."""

from pathlib import Path

from dissemination.errors import RejectedError
from dissemination.model import Carries, Limits, Post, Receipt, Repeat


class Pigeon:
    limits = Limits(carries=Carries.POST, max_length=120, repeat=Repeat.SAFE)

    def __init__(self, loft):
        self.loft = Path(loft)

    def send(self, message, /, *, key):
        if not isinstance(message.body, Post) or message.body.length > self.limits.max_length:
            raise RejectedError("pigeon: carries short posts only")
        self.loft.mkdir(parents=True, exist_ok=True)
        ring = self.loft / key.replace(":", "-")
        changed = int(not ring.exists())
        ring.write_text(message.body.text)
        return Receipt(id=ring.name, changed=changed)

    def close(self):
        pass


def make(options):
    return Pigeon(options.outbox / options.name)
'''

CONTRACT = """
import pytest
from dissemination import channels
from dissemination.testing.contract import ChannelContract


class TestPigeon(ChannelContract):
    @pytest.fixture
    def making(self):
        return channels.load("pigeon")
"""

USE = """
import sys
from pathlib import Path
from dissemination import channels
from dissemination.testing import sample_message, sample_options, sample_post

channel = channels.load("pigeon")(sample_options(Path(sys.argv[1]), name="pigeon"))
print(channel.send(sample_message(sample_post(text="Home by noon", length=12)), key="a:pigeon:1").id)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of packages into which the plug-in was installed by pip, without any index."""
    source = tmp_path_factory.mktemp("pigeon")
    (source / "dissemination_pigeon").mkdir()
    (source / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (source / "dissemination_pigeon" / "__init__.py").write_text(CHANNEL, encoding="utf-8")
    target = tmp_path_factory.mktemp("site")
    installing = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*installing, *options, str(source)], check=True, timeout=120)
    return target


def run(site: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_channel_is_found_and_used(site, tmp_path):
    done = run(site, "-c", USE, str(tmp_path), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "a-pigeon-1"
    assert (tmp_path / "outbox" / "pigeon" / "a-pigeon-1").read_text(encoding="utf-8") == "Home by noon"


def test_the_channel_is_not_there_without_its_package(tmp_path):
    done = run(tmp_path, "-c", USE, str(tmp_path), folder=tmp_path)
    assert done.returncode != 0
    assert "no channel 'pigeon'" in done.stderr


def test_its_makers_inherit_the_contract(site, tmp_path):
    (tmp_path / "test_pigeon.py").write_text(CONTRACT, encoding="utf-8")
    done = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pigeon.py", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
