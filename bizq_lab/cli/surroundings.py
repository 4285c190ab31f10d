"""What `bizq-lab doctor` finds around a log: extras, plug-ins, an own catalog. Changes nothing, imports no extra."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from typing import NamedTuple, get_args

from bizq_lab.errors import BizqLabError
from bizq_lab.plugins import Group, offered, plugin

CATALOG = "BIZQ_LAB_CATALOG"
PURPOSES = {
    "local": "models inside this process",
    "notebooks": "JupyterLab, rating with buttons",
    "redis": "rate limits shared between processes",
    "spark": "experiments on a Spark cluster's tables",
    "tokens": "counts by OpenAI's vocabulary",
    "otel": "spans and metrics of each task",
    "sign": "signed routing configs",
}
_REQUIREMENT = re.compile(r"""^([\w.-]+)[^;]*?([<>=!~][^;]*)?;\s*extra\s*==\s*['"](\w+)['"]""")


class Finding(NamedTuple):
    """One line of the diagnosis. `state` is `ok`, `missing`, `optional` (not there, not needed) or `attend`."""

    state: str
    what: str
    detail: str


def surroundings() -> list[Finding]:
    """Extras, plug-ins and the catalog that the environment names."""
    return [*_extras(), *_plugins(), *_catalog()]


def _extras() -> list[Finding]:
    needed: dict[str, list[tuple[str, str]]] = {}
    try:
        lines = requires("bizq-lab") or []
    except PackageNotFoundError:  # run from a checkout that was never installed
        lines = []
    for found in filter(None, map(_REQUIREMENT.match, lines)):
        name, bound, extra = found.groups()
        needed.setdefault(extra, []).append((name, f"{name}{(bound or '').strip()}"))
    return [_extra(name, needed[name]) for name in PURPOSES if name in needed]


def _extra(name: str, needed: list[tuple[str, str]]) -> Finding:
    absent = [f"'{requirement}'" for package, requirement in needed if not _installed(package)]
    if absent:
        return Finding("optional", f"extra {name}", f"{PURPOSES[name]}; get it with: pip install {' '.join(absent)}")
    if name == "spark" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        return Finding("missing", f"extra {name}", f"{PURPOSES[name]}; it needs Java: install a JRE, or set JAVA_HOME")
    return Finding("ok", f"extra {name}", PURPOSES[name])


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _plugins() -> list[Finding]:
    found = []
    for group in get_args(Group):
        kind = f"plug-in {group.removeprefix('bizq_lab.').removesuffix('s')}"
        for name in offered(group):
            try:
                plugin(group, name)
            except BizqLabError as error:
                found.append(Finding("attend", kind, error.message))
            else:
                found.append(Finding("ok", kind, name))
    return found


def _catalog() -> list[Finding]:
    from bizq_lab.catalog import load_catalog

    named = os.environ.get(CATALOG)
    if not named:
        return []
    try:
        catalog = load_catalog(named)
    except BizqLabError as error:
        return [Finding("attend", "catalog", error.message)]
    return [Finding("ok", "catalog", f"{named}: {len(catalog.models)} models, {len(catalog.task_types)} task types")]
