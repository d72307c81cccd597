"""Fixtures for all tests."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import ssl
import subprocess
import sys
import uuid
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import sync_playwright

from dissemination.pipeline.approve import approve
from dissemination.store import Store
from dissemination.testing import FixedClock, MemoryMailer
from dissemination.testing.bluesky import pds_missing, shared_pds
from dissemination.testing.hub import FakeHub

#: The fakes import one another by their plain names, also where one is run as a program.
sys.path.append(str(Path(__file__).parent / "fakes"))


@pytest.fixture(scope="session")
def nasty_smtp():
    """The class NastySmtp (tests/fakes/smtp_server.py)."""
    return importlib.import_module("smtp_server").NastySmtp


@pytest.fixture
def smtp_server(nasty_smtp):
    """Starts a loopback SMTP server: smtp_server("451@dot", "ok", refuse={...}); ended with the test."""
    with ExitStack() as stack:
        yield lambda *script, **options: stack.enter_context(nasty_smtp(script, **options))


@pytest.fixture(scope="session")
def nasty_process():
    """The class NastyProcess (tests/fakes/smtp_process.py)."""
    return importlib.import_module("smtp_process").NastyProcess


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for the name localhost: (certificate, key)."""
    if shutil.which("openssl") is None:
        missing("openssl makes the certificate and is not installed")
    folder = tmp_path_factory.mktemp("tls")
    files = (folder / "cert.pem", folder / "key.pem")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(["openssl", *words.split(" "), *names], check=True, capture_output=True, timeout=60)
    return files


@pytest.fixture
def server_tls(certificate):
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def client_tls(certificate):
    """The client's side: it trusts the test's certificate only."""
    return ssl.create_default_context(cafile=certificate[0])


@pytest.fixture(scope="session")
def letters():
    """The module tests/fakes/letters.py."""
    return importlib.import_module("letters")


def missing(what):
    """Skip for want of a program; where nothing may be skipped, fail."""
    if os.environ.get("DISSEMINATION_NO_SKIPS"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def needed():
    """needed(lack): the test ends here if something is lacking; "" lets it go on."""
    return lambda lack: missing(lack) if lack else None


@pytest.fixture
def mail_jail(tmp_path, certificate):
    """Starts real mail servers: mail_jail().exim() and others, see tests/fakes/mtas.py; ended with the test."""
    packages = Path(os.environ.get("DISSEMINATION_MAIL_SERVERS", ""))
    if os.geteuid() != 0:
        pytest.skip("real mail servers start only as root")
    if not (packages / "complete").exists():
        missing("no real mail servers: .ci/install-mail FOLDER, then DISSEMINATION_MAIL_SERVERS=FOLDER")
    jails = (tmp_path / f"jail{number}" for number in itertools.count())
    with ExitStack() as stack:
        yield lambda: stack.enter_context(importlib.import_module("mtas").Jail(packages, next(jails), certificate))


@pytest.fixture(scope="session")
def pds():
    """A real Bluesky server (dissemination.testing.bluesky.Pds), one for all tests of a process."""
    if lack := pds_missing():
        missing(lack)
    return shared_pds()


@pytest.fixture(scope="session")
def imap_server():
    """The class FakeImap (tests/fakes/imap_server.py)."""
    return importlib.import_module("imap_server").FakeImap


POSTGRES = os.environ.get("DISSEMINATION_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_target(request, tmp_path):
    """Where a store lives: a new SQLite file, or a schema of its own in the PostgreSQL that the variable names."""
    if request.param == "sqlite":
        yield tmp_path / "var" / "test.db"
        return
    if not POSTGRES:
        missing("DISSEMINATION_TEST_POSTGRES names no database")
    schema = f"t{uuid.uuid4().hex[:16]}"
    engine = sa.create_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    yield (
        sa.make_url(POSTGRES)
        .update_query_dict({"options": f"-csearch_path={schema}"})
        .render_as_string(hide_password=False)
    )
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def clock():
    """A clock that stands on Monday 16 November 2026, 09:00 UTC."""
    return FixedClock(datetime(2026, 11, 16, 9, 0, tzinfo=UTC))


@pytest.fixture
def store(store_target, clock):
    """A real, empty store."""
    made = Store(store_target, clock)
    yield made
    made.close()


@pytest.fixture(scope="session")
def house_class():
    """The class House (tests/fakes/house.py)."""
    return importlib.import_module("house").House


@pytest.fixture
def house(house_class, store, clock):
    """The whole pipeline on a real store, with the outer world in memory."""
    return house_class(store, clock)


def pytest_terminal_summary(terminalreporter):
    """One line for each reason why tests were skipped."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", []))
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    facts = [fact for one in reports for name, fact in one.user_properties if name == "fault matrix"]
    if facts:
        table = importlib.import_module("fault_table")
        terminalreporter.write_line("\n" + table.plain(facts))
        if os.environ.get("UPDATE_GOLDEN"):
            table.write(facts)


@pytest.fixture(scope="session")
def folders():
    """write_project, write_item, add_people, approve_all (tests/fakes/folder.py)."""
    return importlib.import_module("folder")


@pytest.fixture(scope="session")
def shells():
    """Shell, write_project, write_item (tests/fakes/shell.py): commands inside this process."""
    return importlib.import_module("shell")


@pytest.fixture
def hub():
    """A WebSub hub on loopback."""
    with FakeHub() as made:
        yield made


@pytest.fixture
def room(tmp_path, folders, hub, clock):
    """A project whose pages are served and whose hub is `hub` (tests/fakes/newsroom.py)."""
    newsroom = importlib.import_module("newsroom")
    with newsroom.Pages() as pages:
        pages.root = tmp_path / "project"
        made = newsroom.Newsroom(pages.root, folders, hub, pages.address, clock)
        yield made
        made.app.close()


@pytest.fixture(scope="session")
def dns_fake():
    """DnsServer and what ails it (tests/fakes/dns_server.py)."""
    return importlib.import_module("dns_server")


@pytest.fixture
def dns_server(dns_fake):
    """Starts a loopback DNS server: dns_server({"example.eu": ["v=spf1 -all"]}); ended with the test."""
    with ExitStack() as stack:
        yield lambda table: stack.enter_context(dns_fake.DnsServer(table))


@pytest.fixture
def mailer(house):
    """The house's mail goes over a line."""
    made = MemoryMailer()
    house.change(channels={**house.parts.channels, "email": made}, window=8)
    return made


@pytest.fixture
def flash(house, mailer, monkeypatch):
    """An approved flash for so many people, in batches of ten; person n has the number n + 1."""
    monkeypatch.setattr("dissemination.store.deliveries.BATCH", 10)

    def making(people):
        house.people(people)
        house.item(channels={"feed": "auto", "newsletter": "flash"})
        approve(house.parts, [], who="ana", everything=True)

    return making


@pytest.fixture(scope="session")
def browsing():
    """Visit, violations and others (tests/fakes/browsing.py)."""
    return importlib.import_module("browsing")


@pytest.fixture(scope="module")
def browser(browsing, tmp_path_factory):
    """Chromium, through Playwright; its loop would be in the way of tests of other modules."""
    if lack := browsing.lacking():
        missing(lack)
    # It waits for tests of short timeouts that run beside it, not they for it.
    patient = tmp_path_factory.mktemp("chromium") / "chromium"
    patient.write_text(f'#!/bin/sh\nexec nice -n 10 {browsing.CHROMIUM} "$@"\n', "ascii")
    patient.chmod(0o755)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=patient, args=list(browsing.ARGUMENTS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def asgi():
    """The functions ask, talk and heard (tests/fakes/asgi.py)."""
    return importlib.import_module("asgi")
