"""The command line: parse, call one verb, print. One file a command group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from dissemination import __version__
from dissemination.cli import (
    bounces,
    checking,
    demo,
    editions,
    keeping,
    login,
    looking,
    news,
    people,
    person,
    planning,
    posts,
    privacy,
    publishing,
    serving,
    signing,
)

app = typer.Typer(
    name="disseminate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def disseminate(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One folder of news goes out to mailboxes, feed readers and networks: approved, on time, once."""


#: In the order in which they are used; `--help` lists them so.
_COMMANDS: dict[str, Callable[..., None]] = {
    "init": news.init,
    "check": checking.check,
    "import": news.import_,
    "login": login.login,
    "plan": planning.plan,
    "preview": planning.preview,
    "approve": planning.approve,
    "send-test": planning.send_test,
    "publish": publishing.publish,
    "run": publishing.run,
    "serve": serving.serve,
    "pause": publishing.pause,
    "resume": publishing.resume,
    "cancel": planning.cancel,
    "resolve": posts.resolve,
    "correct": posts.correct,
    "withdraw": posts.withdraw,
    "status": looking.status,
    "log": looking.log,
    "when": looking.when,
    "doctor": looking.doctor,
    "dkim-key": signing.dkim_key,
    "backup": keeping.backup,
    "restore": keeping.restore,
    "schema": news.schema,
    "demo": demo.demo,
}

#: What is done with one person at a time stands beside what is done with many.
_PERSON: dict[str, Callable[..., None]] = {
    "show": person.show,
    "unsubscribe": person.unsubscribe,
    "remove": person.remove,
    "suppress": person.suppress,
    "suppressions": person.suppressions,
}

for name, command in _COMMANDS.items():
    app.command(name)(command)
for name, command in _PERSON.items():
    people.app.command(name)(command)
app.add_typer(editions.app, name="edition")
app.add_typer(people.app, name="subscribers")
app.add_typer(bounces.app, name="bounces")
app.add_typer(privacy.app, name="privacy")
