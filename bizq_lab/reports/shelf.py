"""A folder of reports: one name a kind and day, a manifest, an index page, and how long reports are kept.

Must not know what is in a report. Filing the same report again changes nothing: the same names, the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.core.display import printable
from bizq_lab.errors import InputError
from bizq_lab.reports.files import write_report
from bizq_lab.reports.html import POLICY
from bizq_lab.reports.render import FORMS, Form, render
from bizq_lab.reports.templates import template
from bizq_lab.store.locks import file_lock

if TYPE_CHECKING:
    from bizq_lab.reports.section import Report

MANIFEST, INDEX, LOCK = "manifest.json", "index.html", ".shelf.lock"
SCHEMA_VERSION = 1
DEFAULT_FORMS: tuple[Form, ...] = ("html",)
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Filed:
    """One file of the manifest.

    Attributes:
        as_of: The report's date, as 2026-11-26.
        kind: Such as `daily`, or `experiment-exp_1`.
        form: Such as `html`.
        file: Its name in the folder.
        title: What it is called.
        working: Its first answer, for the index page.
        sha256: Of its bytes.
        size_bytes: Their number.
    """

    as_of: str
    kind: str
    form: str
    file: str
    title: str
    working: str
    sha256: str
    size_bytes: int


def file_report(
    folder: str | Path, report: Report, *, kind: str, forms: Collection[Form] = DEFAULT_FORMS, keep: int | None = None
) -> list[Path]:
    """Write a report in every form asked for, and bring manifest and index page up to date.

    Args:
        folder: Where reports lie; made if need be.
        report: The report.
        kind: What tells it apart from others of its day; letters, digits, `-`, `_` and `.` are kept.
        forms: See `render`.
        keep: How many days of this kind stay; older files that the manifest names are removed. None keeps all.

    Returns:
        The files written, in the order of `forms`.

    Raises:
        InputError: The folder cannot be written, its manifest is not ours, or `keep` is below one.
    """
    if keep is not None and keep < 1:
        message = f"keep == {keep}, must be at least 1"
        raise InputError(message, hint="how many days of reports stay; leave it out to keep all")
    place, name = Path(folder), _safe(kind)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with file_lock(place / LOCK, exclusive=True, patience_s=_PATIENCE_S) as held:
            if not held:
                message = f"{str(place)!r} is being written by another report"
                raise InputError(message, hint="try again in a moment")
            return _file(place, report, name, forms, keep)
    except OSError as error:
        message = f"cannot write reports to {str(folder)!r}: {error.strerror or error}"
        raise InputError(message, hint="name a folder that you may write to") from None


def manifest(folder: str | Path) -> list[Filed]:
    """What lies in a folder of reports, oldest first; empty where none was filed.

    Raises:
        InputError: The manifest is not ours.
    """
    path = Path(folder) / MANIFEST
    if not path.exists():
        return []
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return sorted(Filed(**row) for row in document["reports"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{str(path)!r} is not a manifest of reports: {type(error).__name__}"
        raise InputError(message, hint="move it away; filing a report writes a new one") from None


def _file(place: Path, report: Report, kind: str, forms: Collection[Form], keep: int | None) -> list[Path]:
    known = {filed.file: filed for filed in manifest(place)}
    written = []
    for form in forms:
        data, file = render(report, form), f"{kind}-{report.as_of.isoformat()}{FORMS[form]}"
        written.append(write_report(place / file, data))
        known[file] = Filed(
            as_of=report.as_of.isoformat(),
            kind=kind,
            form=form,
            file=file,
            title=printable(report.title),
            working=printable(report.headline.working),
            sha256=sha256(data).hexdigest(),
            size_bytes=len(data),
        )
    old = _outlived([filed for filed in known.values() if filed.kind == kind], keep)
    rows = sorted(filed for filed in known.values() if filed not in old)
    # The manifest first: a crash in between leaves files without an entry, never an entry without its file.
    write_report(place / MANIFEST, _manifest(rows))
    write_report(place / INDEX, _index(rows))
    for filed in old:
        (place / filed.file).unlink(missing_ok=True)
    return written


def _outlived(own: Sequence[Filed], keep: int | None) -> list[Filed]:
    if keep is None:
        return []
    days = sorted({filed.as_of for filed in own}, reverse=True)[:keep]
    return [filed for filed in own if filed.as_of not in days]


def _manifest(rows: Sequence[Filed]) -> bytes:
    document = {"schema_version": SCHEMA_VERSION, "reports": [asdict(row) for row in rows]}
    return (json.dumps(document, sort_keys=True, indent=1) + "\n").encode()


def _index(rows: Sequence[Filed]) -> bytes:
    groups: dict[tuple[str, str], list[Filed]] = {}
    for filed in sorted(rows, key=lambda row: (row.as_of, row.kind), reverse=True):
        groups.setdefault((filed.as_of, filed.kind), []).append(filed)
    entries = [
        {
            "as_of": as_of,
            "kind": kind,
            "title": group[0].title,
            "working": group[0].working,
            "files": sorted((filed.form, filed.file) for filed in group),
        }
        for (as_of, kind), group in groups.items()
    ]
    return template("index.html.j2").render(policy=POLICY, entries=entries).encode("utf-8", errors="replace")


def _safe(kind: str) -> str:
    """A name that is one file's name everywhere: no separator, no leading dot, not too long."""
    name = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in kind)
    return name.lstrip(".")[:80] or "report"
