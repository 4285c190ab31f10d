"""The rollout's plan on disk, beside the routing config it is about. Knows no step."""

from __future__ import annotations

import json
from pathlib import Path

from bizq_lab.catalog.files import replace_file
from bizq_lab.config.canonical import CHECKSUM_KEY, checksum_of, sealed_bytes
from bizq_lab.config.schema import validated
from bizq_lab.errors import InputError, InvalidRoutingConfig
from bizq_lab.tuning.rollout_plan import Rollout

SUFFIX = ".rollout.json"


def plan_path(config: Path) -> Path:
    """Where the plan of a routing config lies: `routing.json` has `routing.json.rollout.json`."""
    return config.with_name(config.name + SUFFIX)


def load_rollout(config: Path) -> Rollout:
    """The plan beside a routing config.

    Raises:
        InputError: There is none.
        InvalidRoutingConfig: It was changed since it was written.
    """
    path = plan_path(config)
    try:
        raw = path.read_bytes()
    except OSError:
        message = f"no rollout at {str(config)!r}"
        raise InputError(message, hint="start one: bizq-lab rollout start routing.json --task-type … --arm …") from None
    try:
        data = json.loads(raw)
        stated = data.pop(CHECKSUM_KEY)
    except (ValueError, KeyError, AttributeError, RecursionError):
        stated = data = None
    if not isinstance(stated, str) or checksum_of(raw, stated) != stated:
        message = f"{path}: checksum does not match its content"
        raise InvalidRoutingConfig(message, hint="restore the file; the log's config_version rows hold every config")
    return validated(Rollout, data)


def save_rollout(rollout: Rollout, config: Path) -> None:
    """Write the plan atomically.

    Raises:
        InvalidRoutingConfig: It cannot be written.
    """
    path = plan_path(config)
    try:
        replace_file(path, sealed_bytes(rollout))
    except OSError as error:
        message = f"cannot write {str(path)!r}: {error.strerror or type(error).__name__}"
        raise InvalidRoutingConfig(message, hint="nothing was changed") from None
