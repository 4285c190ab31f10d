"""From TOML to a Catalog: presets in the package, a file of one's own on top. The only module here that reads files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bizq_lab.catalog.catalog import Catalog
from bizq_lab.catalog.prefixes import DEFAULT_TYPE, prefixes_of
from bizq_lab.catalog.prompts import check_template
from bizq_lab.catalog.schema import ModelEntry, TaskTypeEntry
from bizq_lab.errors import InvalidCatalog

PRESETS = ("current", "classic")


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Literal["live", "offline"] = "live"
    models: tuple[ModelEntry, ...] = ()
    task_types: Mapping[str, Mapping[str, Any]] = {}


def load_catalog(preset: str = "current", *, override: Path | None = None, as_of: date | None = None) -> Catalog:
    """Load a preset, and a file over it.

    Args:
        preset: `current`, models sold in November 2026, or `classic`, the specification's own (S2); or the path of a
            TOML file, whose name ends so, to lie over `current`.
        override: A TOML file with the same tables; what it names replaces or extends the preset field by field.
        as_of: Date for prices and retirements; today if not given, so that the rest can stay pure.

    Raises:
        InvalidCatalog: A file is missing, is not TOML, or says something inconsistent.
    """
    if preset.endswith(".toml") and override is None:
        preset, override = PRESETS[0], Path(preset)
    if preset not in PRESETS:
        message = f"preset == {preset!r}, must be one of {', '.join(PRESETS)}"
        raise InvalidCatalog(message, hint="pass a file of your own as `override`")
    folder = files("bizq_lab.catalog") / "presets"
    shared = _parse((folder / "task_types.toml").read_text("utf-8"), "task_types.toml")
    own = _parse((folder / f"{preset}.toml").read_text("utf-8"), f"{preset}.toml")
    data = _merge(shared, own)
    where = f"preset {preset!r}"
    if override is not None:
        data, where = _merge(data, _parse(_read(Path(override)), str(override))), str(override)
    catalog = _build(preset, data, where, as_of or datetime.now(UTC).date())
    if override is not None:  # the presets' own templates are proven by tests; compiling them here would load Jinja
        _check_templates(catalog, where)
    return catalog


def _build(name: str, data: Mapping[str, Any], where: str, as_of: date) -> Catalog:
    try:
        document = _Document.model_validate(data)
        entries = {
            kind: TaskTypeEntry.model_validate({"type": kind, **fields}) for kind, fields in document.task_types.items()
        }
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        message = f"{where}: {path}: {first['msg']}, got {first['input']!r:.80}"
        raise InvalidCatalog(message, hint="see bizq_lab.catalog.schema for the fields") from None
    models = {model.key: model for model in document.models}
    _check(models, entries, where)
    return Catalog(name=name, purpose=document.purpose, as_of=as_of, models=models, task_types=entries)


def _check(models: Mapping[str, ModelEntry], entries: Mapping[str, TaskTypeEntry], where: str) -> None:
    if DEFAULT_TYPE not in entries:
        raise InvalidCatalog(f"{where}: task_types has no {DEFAULT_TYPE!r}", hint="unknown task types need it (S1)")
    for kind, entry in entries.items():
        _check_task_type(entry, models, f"{where}: task_types.{kind}")
    standing = [entry.stands_for for entry in entries.values() if entry.stands_for]
    if len(set(standing)) < len(standing):
        twice = max(standing, key=standing.count)
        raise InvalidCatalog(f"{where}: two task types stand for {twice!r}", hint="leave stands_for to one of them")
    for key, model in models.items():
        if model.replaced_by is not None and "/" not in model.replaced_by:
            message = f"{where}: models.{key}.replaced_by == {model.replaced_by!r}, is not a key"
            raise InvalidCatalog(message, hint="write provider/model")


def _check_task_type(entry: TaskTypeEntry, models: Mapping[str, ModelEntry], where: str) -> None:
    judges = (entry.judge_model,) if entry.judge_model else ()
    for key in (entry.model, *entry.models, *entry.efficiency, *judges):
        if key not in models:
            message = f"{where} names model {key!r}, which the catalog does not have"
            raise InvalidCatalog(message, hint=f"known: {', '.join(sorted(models))}")
    if DEFAULT_TYPE not in entry.prompts:
        raise InvalidCatalog(f"{where}.prompts has no 'default'", hint="every task type needs a plain prompt")
    if entry.stands_for and entry.stands_for not in prefixes_of(entry.type):
        message = f"{where}.stands_for == {entry.stands_for!r}, is not a prefix of it"
        raise InvalidCatalog(message, hint=f"its prefixes: {', '.join(prefixes_of(entry.type)) or 'none'}")


def _check_templates(catalog: Catalog, where: str) -> None:
    for kind, entry in catalog.task_types.items():
        for variant, spec in entry.prompts.items():
            check_template(spec.template, f"{where}: task_types.{kind}.prompts.{variant}.template")
            check_template(spec.system, f"{where}: task_types.{kind}.prompts.{variant}.system")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise InvalidCatalog(message, hint="pass the path of a TOML file in UTF-8") from None


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{where}: is not TOML: {error}"
        raise InvalidCatalog(message, hint="strings need quotes; a table header stands in brackets") from None


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge field by field, models by key; anything else is replaced."""
    merged = dict(base)
    for name, value in top.items():
        if name == "models":
            merged[name] = _merge_models(base.get(name, []), value)
        elif isinstance(value, dict) and isinstance(base.get(name), dict):
            merged[name] = _merge(base[name], value)
        else:
            merged[name] = value
    return merged


def _merge_models(base: list[dict[str, Any]], top: object) -> object:
    if not isinstance(top, list) or not all(isinstance(model, dict) for model in top):
        return top  # validation says what is wrong with it
    by_key = {(model.get("provider"), model.get("model")): model for model in base}
    for model in top:
        key = (model.get("provider"), model.get("model"))
        by_key[key] = {**by_key.get(key, {}), **model}
    return list(by_key.values())
