"""A first project in a folder of one's own: catalog, tasks, config, schedule. Opens no lab, overwrites nothing."""

from __future__ import annotations

import shlex
import sys
from datetime import date
from importlib.resources import files
from pathlib import Path

from bizq_lab.catalog import load_catalog
from bizq_lab.config import ArmSpec, RoutingConfig, save_config
from bizq_lab.errors import InputError

TASK_TYPE = "support.confirm_return"
CONFIG = "routing.json"
# Where each template goes. The routing config has none: the product itself writes it, with its checksum.
WRITTEN = {
    "catalog.toml": "catalog.toml",
    "tasks.jsonl": "tasks.jsonl",
    "env.example": ".env.example",
    "gitignore": ".gitignore",
    "crontab": "crontab",
}
ARMS = {
    "plain": ArmSpec(model="local/smollm2-135m"),
    "styled": ArmSpec(model="local/smollm2-135m", prompt="house_style"),
    "luna": ArmSpec(model="openai/gpt-6-luna"),
    "haiku": ArmSpec(model="anthropic/claude-haiku-5-5"),
}


def start_project(folder: Path, *, as_of: date) -> tuple[Path, ...]:
    """Write a commented project; the folder is made if need be.

    The routing config splits the example's traffic between two ways to ask the embedded model, so that the first tasks
    need no key and already teach something; two arms of vendors wait in it for theirs.

    Args:
        folder: Where to.
        as_of: The date that the routing config carries.

    Returns:
        The files that were written.

    Raises:
        InputError: One of the files is already there; nothing was written.
    """
    targets = [folder / name for name in (*WRITTEN.values(), CONFIG)]
    there = [str(path) for path in targets if path.exists() or path.is_symlink()]
    if there:
        message = f"already there: {', '.join(there)}"
        raise InputError(message, hint="nothing was written; name another folder, or move these away")
    folder.mkdir(parents=True, exist_ok=True)
    for template, name in WRITTEN.items():
        (folder / name).write_text(_filled(template, folder), encoding="utf-8")
    catalog = load_catalog(override=folder / "catalog.toml", as_of=as_of)
    shares = {TASK_TYPE: {"plain": 50, "styled": 50}}
    config = RoutingConfig.start(catalog, arms=ARMS, tasks=shares, as_of=as_of, produced_by="bizq-lab init")
    save_config(config, folder / CONFIG)
    return tuple(targets)


def _filled(template: str, folder: Path) -> str:
    text = (files(__package__) / template).read_text("utf-8")
    if template != "crontab":
        return text
    command = f"{_in_cron(sys.executable)} -m bizq_lab"  # cron knows no PATH of ours
    return text.replace("{folder}", _in_cron(str(folder.resolve()))).replace("{command}", command)


def _in_cron(path: str) -> str:
    """A path as one word of the shell in a crontab, where a percent sign would end the command."""
    return shlex.quote(path).replace("%", "\\%")
