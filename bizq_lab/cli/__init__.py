"""The command line: thin commands over the same functions notebooks call. Must hold no logic of its own."""

from __future__ import annotations


def main() -> None:
    """Run `bizq-lab`."""
    from bizq_lab.cli.app import run

    run()
