"""What may be exported, what is said to be lost, and what comes back: the laws that need no gateway."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.config import ArmSpec, EvidenceRow, ExperimentSpec, RoutingConfig, parse_config
from bizq_lab.config.exporters import TARGETS, export
from bizq_lab.config.exporters.envoy import object_name
from bizq_lab.config.importers import SOURCES, import_config
from bizq_lab.errors import InputError, InvalidRoutingConfig, OfflineConfig, RetiredModel
from tests.support.lab_cli import ROOT
from tests.support.targets import CATALOG, DAY, TYPE, WEIGHTS, exported, routing

GATEWAYS: tuple[str, ...] = ("litellm", "portkey-oss", "portkey-hosted", "envoy", "tensorzero")
SCHEMA = ROOT.parent / "shared" / "data" / "schemas" / "envoy-aigatewayroute-v1beta1.json"
every_target = pytest.mark.parametrize("target", TARGETS)


@every_target
def test_an_export_is_the_same_bytes_every_time_and_names_its_config(target: str) -> None:
    made = exported(target)
    assert made.text == exported(target).text
    assert made.config_hash == routing().hash
    if not target.startswith("portkey"):  # JSON takes no comment, and the gateway no unknown key
        assert routing().hash in made.text


@every_target
def test_a_config_for_study_is_not_exported(target: str) -> None:
    """S2."""
    with pytest.raises(OfflineConfig):
        exported(target, routing(purpose="offline"))


@every_target
def test_an_expired_config_is_not_exported(target: str) -> None:
    """S31."""
    with pytest.raises(InvalidRoutingConfig, match="expired"):
        exported(target, routing(expires_on=DAY))
    assert exported(target, routing(expires_on=DAY + timedelta(days=1))).text


@every_target
def test_a_retired_model_is_not_exported_and_its_replacement_is_named(target: str) -> None:
    """S2."""
    classic = load_catalog("classic", as_of=DAY)
    both = Catalog(
        name="current",
        purpose="live",
        as_of=DAY,
        models={**classic.models, **CATALOG.models},
        task_types=CATALOG.task_types,
    )
    config = routing(arms={**routing().arms, "luna": ArmSpec(model="openai/gpt-4")})
    with pytest.raises(RetiredModel, match="gpt-4") as caught:
        export(config, both, target, today=DAY)
    assert "openai/" in caught.value.hint or "choose" in caught.value.hint


@every_target
def test_no_export_holds_a_key(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "BIZQ_LOCAL_API_KEY"):
        monkeypatch.setenv(name, "sk-nobodys-key")
    assert "sk-" not in exported(target).text


def test_an_unknown_target_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="kubernetes"):
        exported("kubernetes")  # the mistake is the subject


def test_the_json_export_is_the_file_itself() -> None:
    assert parse_config(exported("json").text.encode()) == routing()
    assert exported("json").losses == exported("yaml").losses == ()


def test_what_a_gateway_cannot_say_is_said() -> None:
    everything = routing(
        arms={**routing().arms, "haiku": ArmSpec(model="anthropic/claude-haiku-5-5", prompt="worked")},
        tasks={**routing().tasks, "content.optimize_seo": {"adaptive": {"kind": "thompson"}}},
        experiments=(ExperimentSpec(id="e1", task_type=TYPE, weights={"luna": 100}),),
        evidence=(EvidenceRow(task_type=TYPE, arm="luna", metric="success", value=0.5, n=20),),
        expires_on=DAY + timedelta(days=30),
    )
    said = {"sticky", "propensity", "experiments", "adaptive", "rules", "prompt", "price", "expiry", "evidence"}
    for target in GATEWAYS:
        assert {loss.code for loss in exported(target, everything).losses} == said
    kept = {loss.code for loss in exported("typescript", everything).losses}
    assert kept == {"adaptive", "rules", "prompt", "price", "evidence"}
    assert "e1" in " ".join(map(str, exported("litellm", everything).losses))


def test_a_config_with_one_arm_everywhere_loses_nothing_of_the_split() -> None:
    tasks = {name: {"weights": {"luna": 100}} for name in CATALOG.task_types}
    assert exported("litellm", routing(tasks=tasks)).losses == ()


@pytest.mark.parametrize("target", GATEWAYS)
def test_what_acts_or_must_not_leave_the_house_has_no_fallback(target: str) -> None:
    """S22: order.process_batch has side effects, and one of its arms is local."""
    text = exported(target).text
    if target == "litellm":
        groups = {row["model_name"] for row in yaml.safe_load(text)["model_list"]}
        assert not any(name.startswith("order.process_batch__") for name in groups)
    elif target.startswith("portkey"):
        route = next(t for t in json.loads(text)["targets"] if t["name"] == "order.process_batch")
        assert len(route["targets"]) == 1
        assert "retry" not in route
    elif target == "envoy":
        route, policy = _documents(text)["order.process_batch"]
        assert {ref["priority"] for ref in route["spec"]["rules"][0]["backendRefs"]} == {0}
        assert policy["spec"]["retry"]["numRetries"] == 0
    else:
        own = text.split('[functions."order.process_batch".experimentation]')[1].split("[functions")[0]
        assert "fallback_variants" not in own


def _documents(text: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    documents = list(yaml.safe_load_all(text))
    pairs = zip(documents[::2], documents[1::2], strict=True)
    return {r["spec"]["rules"][0]["matches"][0]["headers"][0]["value"]: (r, p) for r, p in pairs}


def test_envoy_routes_satisfy_the_resource_s_own_schema() -> None:
    if not SCHEMA.exists():
        pytest.skip("the shared schemas are not here")
    schema = _closed(json.loads(SCHEMA.read_text(encoding="utf-8")))
    documents = _documents(exported("envoy").text)
    for route, policy in documents.values():
        jsonschema.validate(route, schema)
        assert policy["spec"]["targetRefs"][0]["name"] == route["metadata"]["name"]
    refs = documents[TYPE][0]["spec"]["rules"][0]["backendRefs"]
    assert {ref["modelNameOverride"]: ref["weight"] for ref in refs if ref["priority"] == 0} == {
        "gpt-6-luna": 62,
        "claude-haiku-5-5": 28,
        "gpt-6.1-terra": 10,
    }
    broken = json.loads(json.dumps(documents[TYPE][0]))
    broken["spec"]["rules"][0]["backendRefs"][0]["weigth"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def _closed(schema: Any) -> Any:
    """The API server prunes unknown fields without a word; here they are errors."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(item) for name, item in schema.items()}
    return {**closed, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else closed


def test_envoy_names_are_kubernetes_names_and_never_collide() -> None:
    names = ["a.b", "a_b", "a-b", "A.B", "ä", "x" * 200, ".", "content.create_social_post"]
    made = [object_name(name) for name in names]
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in made)
    assert all(a != b for a, b in combinations(made, 2))


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 100), min_size=2, max_size=2), local=st.integers(1, 100))
def test_what_is_exported_and_read_back_has_the_same_weights(source: Any, cuts: list[int], local: int) -> None:
    low, high = sorted(cuts)
    weights = {"luna": low, "haiku": high - low, "terra": 100 - high}
    config = routing(
        tasks={TYPE: {"weights": weights}, "order.process_batch": {"weights": {"house": local, "default": 100 - local}}}
    )
    back = import_config(exported(source, config).text, source, CATALOG, as_of=DAY)
    for name, routed in config.tasks.items():
        assert back.config.tasks[name].weights == {arm: share for arm, share in routed.weights.items() if share}
    for arm, spec in back.config.arms.items():
        assert spec == config.arms[arm]
    assert back.added == ()
    assert exported(source, back.config).text.split("\n", 2)[2] == exported(source, config).text.split("\n", 2)[2]


PROXY = """
model_list:
  - model_name: support
    litellm_params: {model: openai/gpt-6-luna, api_key: sk-live-secret, rpm: 300, temperature: 0.2}
  - model_name: support
    litellm_params: {model: mistral/mistral-large, api_key: os.environ/MISTRAL_API_KEY, rpm: 100,
                     input_cost_per_token: 0.000002, output_cost_per_token: 0.000006}
  - model_name: backup
    litellm_params: {model: openai/gpt-6.1-sol, api_key: os.environ/OPENAI_API_KEY}
router_settings: {routing_strategy: latency-based-routing, fallbacks: [{support: [backup]}], cooldown_time: 30}
litellm_settings: {drop_params: true}
"""


def test_a_proxy_s_config_becomes_arms_models_and_a_report_of_the_rest(tmp_path: Path) -> None:
    found = import_config(PROXY, "litellm", CATALOG, as_of=DAY)
    assert found.config.tasks["support"].weights == {"gpt-6-luna": 75, "mistral-large": 25}
    assert found.added == ("mistral/mistral-large",)
    assert found.config.catalog_version == found.catalog.version
    said = "\n".join(map(str, found.untaken))
    for part in (
        "api_key: is a secret",
        "latency",
        "fallbacks",
        "cooldown_time",
        "litellm_settings",
        "not in the catalog",
    ):
        assert part in said.replace("routing_strategy", "latency")
    assert "sk-live" not in said + str(found.config)
    (tmp_path / "models.toml").write_text(found.models_toml(), encoding="utf-8")
    again = load_catalog(override=tmp_path / "models.toml", as_of=DAY)
    assert again.price("mistral/mistral-large").input_nano_usd_per_mtok == 2_000_000_000
    assert exported_of(found.config, again)


def exported_of(config: RoutingConfig, catalog: Catalog) -> str:
    return export(config, catalog, "litellm", today=DAY).text


@pytest.mark.parametrize("reserved", ["human", "default"])
def test_a_gateway_s_name_that_is_reserved_here_becomes_the_model_s(reserved: str) -> None:
    variant = f'[functions.support.variants.{reserved}]\ntype = "chat_completion"\nmodel = "openai::gpt-6-luna"\n'
    found = import_config(f'[functions.support]\ntype = "chat"\n{variant}', "tensorzero", CATALOG, as_of=DAY)
    assert list(found.config.arms) == ["gpt-6-luna"]


GATEWAY = """
[functions.draft]
type = "chat"
[functions.draft.variants.a]
type = "chat_completion"
model = "openai::gpt-6-luna"
[functions.draft.variants.b]
type = "chat_completion"
model = "anthropic::claude-haiku-5-5"
system_template = "x"
[functions.draft.variants.c]
type = "experimental_best_of_n_sampling"
[functions.draft.experimentation]
type = "adaptive"
candidate_variants = ["a", "b"]
metric = "rating"
[metrics.rating]
type = "float"
"""


def test_a_tensorzero_config_becomes_arms_and_a_report_of_the_rest() -> None:
    found = import_config(GATEWAY, "tensorzero", CATALOG, as_of=DAY)
    assert found.config.tasks["draft"].weights == {"a": 50, "b": 50}
    said = "\n".join(map(str, found.untaken))
    for part in ("adaptive is not taken", "metrics: is not routing", "draft.b.system_template", "states no weights"):
        assert part in said


def test_thirds_are_rounded_and_said_to_be() -> None:
    text = exported("litellm").text
    document = yaml.safe_load(text)
    for row in document["model_list"]:
        row["litellm_params"]["weight"] = 1
    found = import_config(yaml.safe_dump(document), "litellm", CATALOG, as_of=DAY)
    assert sorted(found.config.tasks[TYPE].weights.values()) == [33, 33, 34]
    assert any("rounded" in item.detail for item in found.untaken)
    assert set(found.config.tasks[TYPE].weights) == set(WEIGHTS)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "text",
    ["", "[", "{}", "model_list: []", "model_list: [1]", "[functions]", "functions = 1", "\x00", "a: &a [*a]",
     "- " * 5_000,
     "model_list: [{model_name: t, litellm_params: {model: openai/gpt-6-luna, weight: -1}}]",
     "model_list: [{model_name: t, litellm_params: {model: openai/gpt-6-luna, weight: .nan}}]",
     "[functions.t.variants.a]\nmodel = 'nobody'", "[functions.t]\nexperimentation = {candidate_variants = ['x']}"],
)  # fmt: skip
def test_nonsense_is_one_clear_error(source: Any, text: str) -> None:
    with pytest.raises(InputError):
        import_config(text, source, CATALOG, as_of=DAY)
