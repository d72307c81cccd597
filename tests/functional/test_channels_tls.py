"""Encryption and login against a real server (aiosmtpd), with certificates that the test makes."""

import functools
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from dissemination.channels.email import make
from dissemination.channels.gate import HttpGate
from dissemination.errors import NeedsLoginError, UnavailableError
from dissemination.testing import sample_mail, sample_message, sample_options

SECRETS = {"SMTP_PASSWORD": "correct horse"}


@pytest.fixture
def context(server_tls):
    return server_tls


class Mailbox:
    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 2.0.0 kept"


def check_login(server, session, envelope, mechanism, data):
    password = data.password if hasattr(data, "password") else b""
    return AuthResult(
        success=data.login == b"news" and password == SECRETS["SMTP_PASSWORD"].encode(), handled=False
    )


@pytest.fixture
def served():
    """Starts a server with these options of aiosmtpd: served(tls_context=...) -> port, envelopes."""
    running = []

    def start(ssl_context=None, **options):
        mailbox = Mailbox()

        class Local(Controller):
            def factory(self):
                return SMTP(mailbox, ident="aiosmtpd", hostname="mail.example.eu", **options)

        controller = Local(mailbox, hostname="localhost", port=0, ssl_context=ssl_context)
        controller.port = free_port()
        controller.start()
        running.append(controller)
        return SimpleNamespace(port=controller.port, envelopes=mailbox.envelopes)

    yield start
    for controller in running:
        controller.stop()


def free_port():
    with socket.create_server(("localhost", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def opened(tmp_path, certificate):
    channels = []

    def make_one(port, secrets=SECRETS, **settings):
        chosen = {"sender": "news@example.eu", "host": "localhost", "port": port, "ca_file": str(certificate[0])}
        chosen = {name: value for name, value in (chosen | settings).items() if value is not None}
        channels.append(make(sample_options(tmp_path, secrets.get, name="email", settings=chosen)))
        return channels[-1]

    yield make_one
    for channel in channels:
        channel.close()


def send(channel):
    message = sample_message(sample_mail(), key="weekly:email:1/7")
    return channel.send(message, key=message.key)


@pytest.fixture
def starttls(served, context):
    return served(tls_context=context, require_starttls=True, auth_required=True, authenticator=check_login)


def test_starttls_and_login(starttls, opened):
    channel = opened(starttls.port, username="news")
    assert send(channel).detail == "2.0.0 kept"
    [envelope] = starttls.envelopes
    assert envelope.rcpt_tos == ["ana@example.org"]


def test_probe_says_how_it_is_encrypted(starttls, opened):
    answer = opened(starttls.port, username="news").probe()
    assert answer == f"localhost:{starttls.port} answers: TLSv1.3, logged in as news"


def test_implicit_encryption(served, context, opened):
    server = served(ssl_context=context)
    send(opened(server.port, tls="implicit"))
    assert len(server.envelopes) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_nobody_signed(served, context, opened, tls):
    server = served(tls_context=context) if tls == "starttls" else served(ssl_context=context)
    with pytest.raises(UnavailableError, match=r"(?i)certificate"):
        send(opened(server.port, tls=tls, ca_file=None))
    assert not server.envelopes


def test_a_certificate_for_another_name(served, context, opened):
    server = served(tls_context=context)
    with pytest.raises(UnavailableError, match=r"(?i)certificate"):
        send(opened(server.port, host="127.0.0.1"))
    assert not server.envelopes


def test_a_wrong_password(starttls, opened):
    with pytest.raises(NeedsLoginError, match="535") as caught:
        send(opened(starttls.port, {"SMTP_PASSWORD": "hunter2"}, username="news"))
    assert "hunter2" not in str(caught.value)
    assert not starttls.envelopes


def test_a_password_that_changed_is_read_anew(starttls, opened):
    secrets = {"SMTP_PASSWORD": "hunter2"}
    channel = opened(starttls.port, secrets, username="news")
    with pytest.raises(NeedsLoginError):
        send(channel)
    secrets.update(SECRETS)
    send(channel)
    assert len(starttls.envelopes) == 1


def test_a_server_that_wants_a_login(starttls, opened):
    with pytest.raises(NeedsLoginError, match="530"):
        send(opened(starttls.port))


def test_no_encryption_where_none_is_asked(served, opened):
    server = served()
    with pytest.raises(UnavailableError, match="STARTTLS"):
        send(opened(server.port))
    send(opened(server.port, tls="none"))
    assert len(server.envelopes) == 1


def test_a_certificate_file_that_is_missing(starttls, opened):
    with pytest.raises(UnavailableError, match="No such file"):
        send(opened(starttls.port, ca_file="missing.pem"))


# The gate calls a numeric address; the certificate must still be that of the name


@pytest.fixture
def page(context):
    """An https server on loopback that answers 200; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def trusting(certificate, monkeypatch):
    """As if the test's certificate were among those of the system."""
    trusted = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, verify=trusted))


@pytest.fixture
def at_home(monkeypatch):
    """Every name leads to this machine's IPv4 address."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *args, **more: real("127.0.0.1", port, *args, **more)
    )


def test_the_gate_checks_the_certificate_of_the_name(page, trusting, at_home):
    assert HttpGate("https://localhost").live(f"https://localhost:{page}/") == ""


def test_the_gate_refuses_the_certificate_of_another_name(page, trusting, at_home):
    assert "certificate" in HttpGate("https://other.test").live(f"https://other.test:{page}/").lower()


def test_the_gate_refuses_a_certificate_that_nobody_signed(page, at_home):
    assert "certificate" in HttpGate("https://localhost").live(f"https://localhost:{page}/").lower()
