"""`dialer recordings …`: what an operator and an auditor do with recordings and their ledger."""

import typer

from dialer.cli import recordings_rewrap, recordings_verify

app = typer.Typer(no_args_is_help=True, help="Recordings: that they are what was recorded, and under which keys.")
app.command()(recordings_rewrap.rewrap)
app.command()(recordings_verify.verify)
app.command()(recordings_verify.key)
app.command()(recordings_verify.head)
app.command()(recordings_verify.ledger)
