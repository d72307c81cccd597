"""Room: returns. What comes back by mail (a maildir, an IMAP mailbox, a pipe) and by webhook is read here."""

from dissemination.returns.certificates import Certificates
from dissemination.returns.hooks import make_hooks
from dissemination.returns.imap import ImapMailbox, ImapServer
from dissemination.returns.maildir import Maildir
from dissemination.returns.reading import read_return

__all__ = ["Certificates", "ImapMailbox", "ImapServer", "Maildir", "make_hooks", "read_return"]
