"""Maildir and IMAP: each mail is given once, and put away only after it was taken."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import httpx
import pytest

from dissemination.errors import NeedsLoginError, StoreError, UnavailableError
from dissemination.returns import Certificates, ImapMailbox, ImapServer, Maildir
from dissemination.returns.mime import LIMIT

# ------------------------------------------------------------------------------------------------ maildir


@pytest.fixture
def box(tmp_path):
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
    return tmp_path / "box"


def visited(inlet, most=100) -> list[bytes]:
    taken: list[bytes] = []
    assert inlet.visit(taken.append, most=most) == len(taken)
    return taken


def test_new_and_seen_mails_are_given_in_order_and_go(box):
    (box / "new" / "2").write_bytes(b"two")
    (box / "new" / "1").write_bytes(b"one")
    (box / "cur" / "0:2,S").write_bytes(b"zero")
    (box / "tmp" / "3").write_bytes(b"half of a mail")
    assert visited(Maildir(box)) == [b"one", b"two", b"zero"]
    assert visited(Maildir(box)) == []
    assert (box / "tmp" / "3").exists()


def test_what_is_kept_lies_in_a_folder_that_mail_programs_show(box):
    (box / "new" / "1").write_bytes(b"one")
    assert visited(Maildir(box, keep=True)) == [b"one"]
    assert (box / ".done" / "cur" / "1").read_bytes() == b"one"
    assert visited(Maildir(box, keep=True)) == []


def test_no_more_than_asked_for_at_once(box):
    for number in range(5):
        (box / "new" / str(number)).write_bytes(b"x%d" % number)
    assert len(visited(Maildir(box), most=2)) == 2
    assert len(visited(Maildir(box), most=2)) == 2
    assert len(visited(Maildir(box), most=2)) == 1


def test_only_the_first_megabyte_is_read(box):
    (box / "new" / "1").write_bytes(b"x" * (LIMIT + 5_000))
    [raw] = visited(Maildir(box))
    assert len(raw) == LIMIT


def test_links_devices_and_folders_are_not_mails(box, tmp_path):
    (tmp_path / "secret").write_text("not for you")
    (box / "new" / "link").symlink_to(tmp_path / "secret")
    (box / "new" / "folder").mkdir()
    os.mkfifo(box / "new" / "pipe")
    (box / "new" / ".hidden").write_bytes(b"x")
    assert visited(Maildir(box)) == []
    assert (tmp_path / "secret").exists()


def test_a_mail_that_was_not_taken_stays_with_those_behind_it(box):
    for number in range(3):
        (box / "new" / str(number)).write_bytes(b"%d" % number)

    def take(raw):
        if raw == b"1":
            raise StoreError("database: the disk is full")

    with pytest.raises(StoreError):
        Maildir(box).visit(take, most=9)
    assert sorted(path.name for path in (box / "new").iterdir()) == ["1", "2"]


def test_a_folder_that_is_no_maildir_is_said(tmp_path):
    with pytest.raises(UnavailableError, match="has no folder new"):
        visited(Maildir(tmp_path))


def test_a_mail_that_another_reader_took_meanwhile_is_left_out(box):
    (box / "new" / "1").write_bytes(b"one")
    (box / "new" / "2").write_bytes(b"two")
    taken = []

    def take(raw):
        taken.append(raw)
        (box / "new" / "2").unlink(missing_ok=True)

    assert Maildir(box).visit(take, most=9) == 1
    assert taken == [b"one"]


# ------------------------------------------------------------------------------------------------ IMAP

MAILS = [b"Subject: one\r\n\r\nwords\r\n", b"Subject: two\r\n\r\n)\r\nA1 OK done\r\n", b"", b"\xff\x00\n" * 10]


def mailbox(server, tls="none", password="maildir-secret", **changes):
    facts = ImapServer(host="127.0.0.1", port=server.port, tls=tls, username="bounces")
    return ImapMailbox(replace(facts, **changes), lambda: password)


def test_each_mail_is_fetched_whole_and_deleted(imap_server):
    with imap_server(MAILS) as server:
        assert visited(mailbox(server)) == MAILS
        assert server.stored == []
        assert visited(mailbox(server)) == []
        assert server.commands[-1] == "LOGOUT"
        assert server.logins == 2


@pytest.mark.parametrize("powers", ["MOVE UIDPLUS", "UIDPLUS"])
def test_mail_is_moved_where_a_folder_is_named(imap_server, powers):
    with imap_server(MAILS, powers=powers) as server:
        assert visited(mailbox(server, done='done "x"')) == MAILS
        assert server.stored == []
        assert list(server.moved.values()) == [MAILS]


def test_without_uidplus_mail_is_marked_as_deleted_and_not_read_again(imap_server):
    with imap_server(MAILS, powers="") as server:
        assert visited(mailbox(server)) == MAILS
        assert all(mail.deleted for mail in server.stored)
        assert not any("EXPUNGE" in command for command in server.commands)
        assert visited(mailbox(server)) == []


def test_a_mail_whose_outcome_was_not_stored_stays_there(imap_server):
    def take(raw):
        if raw == MAILS[1]:
            raise StoreError("database: the disk is full")

    with imap_server(MAILS) as server:
        with pytest.raises(StoreError):
            mailbox(server).visit(take, most=9)
        assert [mail.raw for mail in server.stored] == MAILS[1:]


def test_no_more_than_asked_for_and_no_more_than_a_megabyte(imap_server):
    with imap_server([b"x" * (LIMIT + 100), b"two"]) as server:
        [raw] = visited(mailbox(server), most=1)
        assert len(raw) == LIMIT
        assert visited(mailbox(server)) == [b"two"]


@pytest.mark.parametrize("starttls", [False, True])
def test_encryption_with_a_verified_certificate(imap_server, server_tls, certificate, starttls):
    tls = "starttls" if starttls else "implicit"
    with imap_server(MAILS, tls=server_tls, starttls=starttls) as server:
        found = mailbox(server, tls=tls, host="localhost", ca_file=certificate[0])
        assert visited(found) == MAILS


@pytest.mark.parametrize("starttls", [False, True])
def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password(imap_server, server_tls, starttls):
    tls = "starttls" if starttls else "implicit"
    with imap_server(MAILS, tls=server_tls, starttls=starttls) as server:
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            visited(mailbox(server, tls=tls, host="localhost"))
        assert server.logins == 0


def test_a_server_that_does_not_offer_starttls_gets_no_password(imap_server):
    with imap_server(MAILS) as server:
        with pytest.raises(UnavailableError):
            visited(mailbox(server, tls="starttls"))
        assert server.logins == 0


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_password_that_is_missing_or_wrong_is_said_without_it(imap_server, password):
    with imap_server(MAILS) as server, pytest.raises(NeedsLoginError, match="IMAP_PASSWORD") as caught:
        visited(mailbox(server, password=password))
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "EXPUNGE"])
def test_a_server_that_hangs_up_loses_nothing(imap_server, command):
    with imap_server(MAILS, hang_up=command) as server:
        taken: list[bytes] = []
        with pytest.raises(UnavailableError):
            mailbox(server).visit(taken.append, most=9)
        server.hang_up = ""
        again = visited(mailbox(server))
    assert set(taken) | set(again) == set(MAILS)
    assert len(taken) <= 1


@pytest.mark.parametrize("command", ["SELECT", "SEARCH", "FETCH", "STORE", "EXPUNGE"])
def test_a_refusal_is_told_in_clean_words(imap_server, command):
    with imap_server(MAILS, refuse=command) as server:
        with pytest.raises(UnavailableError) as caught:
            visited(mailbox(server))
        assert str(caught.value).isprintable()
        assert len(server.stored) == len(MAILS)


def test_a_folder_with_a_line_break_in_its_name_reaches_no_server(imap_server):
    with imap_server(MAILS) as server:
        with pytest.raises(UnavailableError, match="ASCII"):
            visited(mailbox(server, folder="INBOX\r\nA1 DELETE INBOX"))
        assert not any("DELETE" in command for command in server.commands)


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = ImapServer(host="127.0.0.1", port=port, tls="implicit", username="bounces")
    with pytest.raises(UnavailableError, match="it is tried again"):
        visited(ImapMailbox(server, lambda: "x"))


# ------------------------------------------------------------------------------------------------ certificates

URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem"


def test_a_certificate_is_fetched_once():
    asked = []

    def answer(request):
        asked.append(str(request.url))
        return httpx.Response(200, content=b"PEM")

    certificates = Certificates(httpx.MockTransport(answer))
    assert [certificates.get(URL), certificates.get(URL)] == [b"PEM", b"PEM"]
    assert asked == [URL]


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: httpx.Response(302, headers={"Location": "http://127.0.0.1/"}),
        lambda request: httpx.Response(500),
        lambda request: httpx.Response(200, content=b"x" * 1_000_000),
        lambda request: (_ for _ in ()).throw(httpx.ConnectError("no")),
    ],
    ids=["redirection", "error", "endless", "nobody"],
)
def test_what_is_no_certificate_is_asked_for_again_later(answer):
    certificates = Certificates(httpx.MockTransport(answer))
    for _ in range(2):
        with pytest.raises(UnavailableError, match="repeats its post"):
            certificates.get(URL)
