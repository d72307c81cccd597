"""The command line: parse, call one verb, print. One file a command group."""

from __future__ import annotations

from collections.abc import Callable

import typer

from dissemination.cli import demo, keeping, looking, news, people, planning, publishing

app = typer.Typer(
    name="disseminate",
    help="One folder of news goes out to mailboxes, feed readers and networks: approved, on time, once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: In the order in which they are used; `--help` lists them so.
_COMMANDS: dict[str, Callable[..., None]] = {
    "init": news.init,
    "check": news.check,
    "import": news.import_,
    "plan": planning.plan,
    "preview": planning.preview,
    "approve": planning.approve,
    "send-test": planning.send_test,
    "publish": publishing.publish,
    "run": publishing.run,
    "pause": publishing.pause,
    "resume": publishing.resume,
    "cancel": planning.cancel,
    "status": looking.status,
    "log": looking.log,
    "when": looking.when,
    "doctor": looking.doctor,
    "backup": keeping.backup,
    "restore": keeping.restore,
    "schema": news.schema,
    "demo": demo.demo,
}

for name, command in _COMMANDS.items():
    app.command(name)(command)
app.add_typer(people.app, name="subscribers")
