"""The commands, one module each, and how the command line begins and ends.

Knows which commands there are and what an exit code means; never how they work. Each command imports the heavy modules
only when it needs them, so that `--help` and mistakes in arguments answer at once.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Sequence

import click

from gankit import __version__
from gankit.cli import evaluate, latents, push, sample, serve, train, watch
from gankit.errors import InterruptedRun, OptionError, visible
from gankit.voice import Voice

COMMANDS: tuple[click.Command, ...] = (
    train.command,
    sample.sample_command,
    sample.complete_command,
    evaluate.command,
    sample.inspect_command,
    latents.interpolate_command,
    latents.project_command,
    latents.mix_command,
    sample.export_command,
    watch.command,
    serve.command,
    push.command,
)
"""Every command; one is added as one module and one entry here."""

HELP = """Train a generative adversarial network on your own data, and measure how good its samples are.

\b
gankit train titanic.csv --budget 5m
gankit sample runs/titanic-1 -n 1000 -o synthetic.csv
gankit evaluate runs/titanic-1
gankit inspect runs/titanic-1
gankit watch runs
"""

EPILOG = "Exit codes: 0 done; 1 an internal error (a bug); 2 a user error; 3 the training diverged; 130 stopped."


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process with the exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code; an internal error leaves a traceback and a request to report it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that its encoding has no signs for are written as escapes
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(list(arguments), prog_name="gankit", standalone_mode=False, obj=tuple(arguments))
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        if not arguments:
            error.show()  # the help
        else:
            Voice(as_json="--json" in arguments).error(OptionError(error.format_message()))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped.", err=True)
        return InterruptedRun.exit_code
    except Exception:
        click.echo(visible(traceback.format_exc()), err=True, nl=False)
        click.echo(f"This is a bug in gankit {__version__}. Please report the lines above and the command.", err=True)
        return 1


@click.group(
    commands=COMMANDS,
    help=HELP,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True},
)
@click.version_option(__version__, prog_name="gankit")
def cli() -> None:
    """The group of all commands."""
