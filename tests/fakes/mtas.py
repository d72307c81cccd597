"""Real mail servers on loopback: Exim, OpenSMTPD and Dovecot from Debian's packages.

    with Jail(packages, folder, certificate) as jail:
        jail.add_users("ana", "bounces")
        exim = jail.exim()
        ...hand mail over to 127.0.0.1, exim.port...
        [mail] = jail.wait_for("ana", 1)

`packages` is a folder made by `.ci/install-mail`. A jail is a copy of it (hard links) with users, devices, spool
and mailboxes of its own, in which the servers run by chroot: their paths are compiled in, and nothing of the
system's is touched. Needs root.

What every server does with an address:

    known@strict.example        delivered to the maildir of `known`
    unknown@strict.example      refused at RCPT with 550
    lazy@strict.example         put off at RCPT with 451
    known@late.example          delivered to the maildir of `known`
    unknown@late.example        taken, and then a real DSN comes to the envelope sender
    full@late.example           the same, since the mailbox is full
    known+anything@...          as `known`
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PASSWORD = "maildir-secret"
_PATIENCE = 30
_USERS = {"Debian-exim": 901, "opensmtpd": 902, "opensmtpq": 903, "dovecot": 904, "dovenull": 905, "nobody": 65534}
_ETC = {
    "passwd": "root:x:0:0::/:/bin/sh\n" + "".join(f"{u}:x:{n}:{n}::/:/bin/sh\n" for u, n in _USERS.items()),
    "group": "root:x:0:\n" + "".join(f"{u}:x:{n}:\n" for u, n in _USERS.items()),
    "hosts": "127.0.0.1 localhost mx.test.example\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "mailname": "mx.test.example\n",
}
_DEVICES = {"null": (1, 3), "zero": (1, 5), "urandom": (1, 9), "random": (1, 8)}
_FOLDERS = ("dev", "tmp", "run", "mail", "etc/tls", "etc/exim4", "var/log", "var/spool/exim4", "var/spool/smtpd")

_EXIM = """
primary_hostname = mx.test.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
spool_directory = /var/spool/exim4
log_file_path = /var/log/%slog
pid_file_path = /run/exim.pid
pipelining_advertise_hosts = {pipelining}
chunking_advertise_hosts = {chunking}
smtputf8_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = /etc/tls/cert.pem
tls_privatekey = /etc/tls/key.pem
rfc1413_query_timeout = 0s
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  defer local_parts = lazy
        message = 4.2.1 try later
  deny domains = strict.example
       !verify = recipient
       message = 5.1.1 no such user
  accept domains = strict.example : late.example
  deny message = 5.7.1 not for us

begin routers
full:
  driver = accept
  local_parts = full
  domains = late.example
  transport = full
mailbox:
  driver = accept
  local_parts = dsearch;/mail
  local_part_suffix = +*
  local_part_suffix_optional
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = /mail/$local_part_data/Maildir
  maildir_format
  user = nobody
full:
  driver = appendfile
  directory = /mail/bounces/Full
  maildir_format
  quota = 1
  user = nobody

begin retry
* quota
* * F,1h,1s
"""

_OPENSMTPD = """
table known file:/etc/known
table anyone {{ "@" = nobody }}
filter lazy phase rcpt-to match rcpt-to {{ "lazy@strict.example" }} reject "451 4.2.1 try later"
listen on 127.0.0.1 port {port} hostname mx.test.example filter lazy
action strict mda "/bin/sh /etc/deliver %{{rcpt.user}}" virtual <known>
action late mda "/bin/sh /etc/deliver %{{rcpt.user}}" virtual <anyone>
match from any for domain strict.example action strict
match from any for domain late.example action late
"""
#: Exit 67 is EX_NOUSER, 69 is EX_UNAVAILABLE: both are final for OpenSMTPD.
_DELIVER = """
user=${1%%+*}
[ "$user" != full ] || exit 69
[ -d "/mail/$user" ] || exit 67
exec /usr/libexec/opensmtpd/mail.maildir "/mail/$user/Maildir"
"""

_DOVECOT = """
base_dir = /run/dovecot
log_path = /var/log/dovecot
listen = 127.0.0.1
protocols = imap
ssl = required
ssl_cert = </etc/tls/cert.pem
ssl_key = </etc/tls/key.pem
mail_location = maildir:/mail/%n/Maildir
first_valid_uid = 1
default_vsz_limit = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nobody home=/mail/%n
}}
"""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that listens on 127.0.0.1."""

    port: int
    #: Whether it offers STARTTLS. Debian 12's OpenSMTPD cannot sign with its OpenSSL.
    tls: bool = True


class Jail:
    """A small root folder for servers; leaving ends them.

    Args:
        packages: made by `.ci/install-mail`.
        folder: does not exist yet.
        certificate: (certificate, key) for the name localhost.
    """

    def __init__(self, packages: Path, folder: Path, certificate: tuple[Path, Path]) -> None:
        self.root = folder
        # Another file system has no hard links to it.
        if subprocess.run(["cp", "-al", packages, folder], capture_output=True, check=False).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run(["cp", "-a", packages, folder], check=True)
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "mail", "var/log"):
            (folder / name).chmod(0o1777)
        shutil.chown(folder / "var/spool/exim4", _USERS["Debian-exim"], _USERS["Debian-exim"])
        (folder / "var/spool/smtpd").chmod(0o711)
        if not (folder / "var/run").exists():
            (folder / "var/run").symlink_to("/run")
        for name, text in _ETC.items():
            self.write(name, text)
        for name, numbers in _DEVICES.items():
            os.mknod(folder / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(*numbers))
            (folder / "dev" / name).chmod(0o666)
        for name, source in zip(("cert.pem", "key.pem"), certificate, strict=True):
            self.write(f"tls/{name}", source.read_text(), mode=0o640, group=_USERS["Debian-exim"])
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Servers

    def exim(self, *, pipelining: bool = True, chunking: bool = True) -> Running:
        """Exim, which announces these."""
        star = {True: "*", False: ""}
        port = free_port()
        config = _EXIM.format(port=port, pipelining=star[pipelining], chunking=star[chunking])
        self.write("exim4/exim4.conf", config)  # where it looks; with -C it would drop its privileges
        return self._run("exim", port, "/usr/sbin/exim4", "-bdf", "-q1s")

    def opensmtpd(self) -> Running:
        """OpenSMTPD, which announces neither PIPELINING nor CHUNKING."""
        port = free_port()
        self.write("smtpd.conf", _OPENSMTPD.format(port=port))
        self.write("deliver", _DELIVER)
        self._write_known()
        return self._run("opensmtpd", port, "/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf", tls=False)

    def dovecot(self) -> Running:
        """IMAP with encryption from the start over the maildirs; any user, PASSWORD."""
        port = free_port()
        self.write("dovecot.conf", _DOVECOT.format(port=port, password=PASSWORD))
        return self._run("dovecot", port, "/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot.conf")

    def logs(self) -> str:
        """What the servers have to say, for a test that failed."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-4000:]}"
            for path in sorted((self.root / "var/log").glob("*"))
            if path.is_file()
        )

    # Mailboxes

    def add_users(self, *names: str) -> None:
        """Before a server starts, for OpenSMTPD."""
        for name in names:
            (self.root / "mail" / name).mkdir(exist_ok=True)
            shutil.chown(self.root / "mail" / name, _USERS["nobody"], _USERS["nobody"])

    def mails(self, user: str) -> list[bytes]:
        """What has arrived, as it lies there: LF line ends, the server's own fields on top."""
        folder = self.root / "mail" / user / "Maildir" / "new"
        return [path.read_bytes() for path in sorted(folder.glob("*"))]

    def wait_for(self, user: str, count: int) -> list[bytes]:
        """Wait until so many have arrived."""
        wait_until(
            lambda: len(self.mails(user)) >= count, lambda: f"{user}: {len(self.mails(user))}; {self.logs()}"
        )
        return self.mails(user)

    # Inside

    def write(self, name: str, text: str, *, mode: int = 0o644, group: int = 0) -> None:
        """A file in the jail's /etc; never through a hard link."""
        path = self.root / "etc" / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, 0, group)

    def _write_known(self) -> None:
        names = [path.name for path in (self.root / "mail").iterdir()]
        self.write("known", "".join(f"{name}@strict.example nobody\n" for name in names))

    def _run(self, name: str, port: int, *words: str, tls: bool = True) -> Running:
        with (self.root / "var/log" / f"{name}.out").open("wb") as log:
            process = subprocess.Popen(
                ["chroot", self.root, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=0
            )
        self._stack.callback(end, process)
        wait_until(lambda: listens(port) or process.poll() is not None, self.logs)
        assert process.poll() is None, self.logs()
        return Running(port=port, tls=tls)


def end(process: subprocess.Popen) -> None:
    """End a server and its children."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def wait_until(there, why) -> None:
    """Look until it is there; else fail with why() says."""
    limit, moment = time.monotonic() + _PATIENCE, threading.Event()
    while not there():
        assert time.monotonic() < limit, why()
        moment.wait(0.05)
