"""Read a LiteLLM `config.yaml`: each model group is a task type, each deployment an arm. Touches no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from bizq_lab.config.importers.imported import Deployment, Imported, Untaken, assemble, mapping, number, whole
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

_TAKEN = frozenset({"model", "weight", "temperature", "max_tokens", "input_cost_per_token", "output_cost_per_token"})
_SECRET = frozenset({"api_key", "api_base", "aws_access_key_id", "aws_secret_access_key", "vertex_credentials"})
MILLION = 1_000_000


def import_litellm(text: str, catalog: Catalog, *, as_of: date) -> Imported:
    """The routing that a proxy config describes, and what of it could not be taken.

    Raises:
        InputError: It is not a LiteLLM config, or its weights make no sense.
    """
    import yaml  # noqa: PLC0415 - only YAML sources need it

    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = f"not YAML: {type(error).__name__}"
        raise InputError(message, hint="name LiteLLM's config.yaml") from None
    entries = mapping(document).get("model_list")
    if not isinstance(entries, list):
        raise InputError("no model_list", hint="name LiteLLM's config.yaml")
    rows = [mapping(entry) for entry in entries]
    backups = set(_backups(mapping(mapping(document).get("router_settings"))))
    groups = {str(row.get("model_name", "")) for row in rows}
    served = [row for row in rows if str(row.get("model_name", "")) not in backups & groups]
    return assemble(
        [_deployment(row, served) for row in served], catalog, as_of=as_of, untaken=_untaken(mapping(document), served)
    )


def _deployment(row: Mapping[str, object], rows: list[Mapping[str, object]]) -> Deployment:
    params, group = mapping(row.get("litellm_params")), str(row.get("model_name", ""))
    provider, _, model = str(params.get("model", "")).partition("/")
    if not (group and model):
        message = f"model_name == {group!r}, model == {params.get('model')!r}, must both be there, as provider/model"
        raise InputError(message)
    if provider == "openai" and "api_base" in params:
        provider = "local"
    name = str(mapping(row.get("model_info")).get("id", ""))
    return Deployment(
        group=group,
        arm=name.removeprefix(f"{group}/"),
        provider=provider,
        api_model=model,
        weight=_weight(params, [mapping(r.get("litellm_params")) for r in rows if r.get("model_name") == group]),
        temperature=number(params.get("temperature")),
        max_tokens=whole(params.get("max_tokens")),
        input_usd=_per_million(params.get("input_cost_per_token")),
        output_usd=_per_million(params.get("output_cost_per_token")),
    )


def _weight(params: Mapping[str, object], group: list[Mapping[str, object]]) -> float | None:
    """As simple-shuffle reads it: `weight`, else `rpm`, else `tpm`, whichever the group states at all."""
    for name in ("weight", "rpm", "tpm"):
        if any(name in own for own in group):
            return number(params.get(name))
    return None


def _per_million(value: object) -> float | None:
    cost = number(value)
    return None if cost is None else float(f"{cost * MILLION:.10g}")


def _backups(settings: Mapping[str, object]) -> Iterator[str]:
    chains = settings.get("fallbacks")
    for chain in chains if isinstance(chains, list) else []:
        for names in mapping(chain).values():
            yield from (str(name) for name in names) if isinstance(names, list) else ()


def _untaken(document: Mapping[str, object], rows: list[Mapping[str, object]]) -> Iterator[Untaken]:
    for section in sorted(set(document) - {"model_list", "router_settings"}):
        yield Untaken(section, "is the proxy's own and is not routing")
    settings = mapping(document.get("router_settings"))
    for name in sorted(settings):
        if name == "fallbacks":
            yield Untaken(f"router_settings.{name}", "fallbacks come from the catalog's ordering")
        elif name != "routing_strategy":
            yield Untaken(f"router_settings.{name}", "retries, timeouts and limits are bizq_lab's own")
        elif settings[name] != "simple-shuffle":
            yield Untaken(f"router_settings.{name}", "is no weighting; the weights are taken as they stand")
    for row in rows:
        yield from _untaken_of(str(row.get("model_name", "")), mapping(row.get("litellm_params")))


def _untaken_of(group: str, params: Mapping[str, object]) -> Iterator[Untaken]:
    """A secret is named, never shown."""
    for name in sorted(set(params) - _TAKEN - {"api_base"}):
        if name in _SECRET:
            if not str(params[name]).startswith("os.environ/"):
                yield Untaken(f"{group}.{name}", "is a secret in the file; keys come from the environment")
        elif not (name in {"rpm", "tpm"} and "weight" not in params):
            yield Untaken(f"{group}.{name}", "has no place in a routing config")
