"""A progress bar for people who watch, and nothing for everyone else. Knows rows and money, no task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bizq_lab.core.money import Money

Tick = Callable[[Money | None], None]


@contextmanager
def progress_bar(total: int, *, label: str, show: bool | None = None) -> Iterator[Tick]:
    """A bar on standard error with the cost so far; call what it yields once a row, with the row's cost.

    Args:
        total: Rows.
        label: What is being done.
        show: None shows it on a terminal and in a notebook, and nowhere else.
    """
    from tqdm.auto import tqdm  # noqa: PLC0415 - only a bulk run shows a bar

    visible = _watched() if show is None else show
    spent = Money(0)
    with tqdm(total=total, desc=label, unit="row", disable=not visible, file=sys.stderr) as bar:

        def tick(cost: Money | None) -> None:
            nonlocal spent
            spent += cost or Money(0)
            bar.set_postfix_str(f"{spent} so far", refresh=False)
            bar.update()

        yield tick


def _watched() -> bool:
    """Whether standard error is a terminal, or this is a notebook's kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return sys.stderr.isatty() or hasattr(shell, "kernel")
