"""What CONTRIBUTING shows is what happens: its blocks are installed as a package, and its plug-ins are used."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bizq_lab import Lab, RoutingContext, Task
from bizq_lab.analysis.metrics import FIRST_TOKEN, METRICS
from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.cli.output import Exit
from bizq_lab.config import ArmSpec, RoutingConfig, save_config
from bizq_lab.config.exporters import export, targets
from bizq_lab.errors import InputError, InvalidCatalog, UnknownProvider
from bizq_lab.execution import make_provider, provider_names
from bizq_lab.plugins import plugin
from tests.support.lab_cli import ended, spawn

ROOT = Path(__file__).parents[2]
BLOCKS: list[tuple[str, str]] = re.findall(
    r"^```(\w+)\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)
PYTHON: str = "\n\n".join(body for language, body in BLOCKS if language == "python")
POINTS, CHECKED = (tomllib.loads(body) for language, body in BLOCKS if language == "toml")
TYPE = "customer.answer_inquiry"
DAY = date(2026, 11, 1)
BROKEN = {
    "bizq_lab.providers": {"gone": "no_such_module_of_anyone:Provider", "fussy": "acme_lab:fussy"},
    "bizq_lab.checks": {
        "gone": "no_such_module_of_anyone:check",
        "number": "acme_lab:NUMBER",
        "raising": "acme_lab:raising",
    },
    "bizq_lab.exporters": {
        "exploding": "acme_broken:EXPORTER",
        "function": "acme_lab:signed",
        "raising": "acme_lab:RAISES",
        "numeric": "acme_lab:NUMERIC",
        "json": "acme_lab:CSV",
    },
}
MISBEHAVING = """
NUMBER = 7


def raising(*_):
    raise RuntimeError("sk-something-secret")


def fussy():
    raise LookupError("no licence for sk-abcdefghijklmnopqrstuvwxyz123456")


RAISES = Exporter(write=raising)
NUMERIC = Exporter(write=lambda source: 7)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package of CONTRIBUTING, and what a careless one offers beside it, on the path as pip would have put them."""
    site = tmp_path / "site"
    info = site / "acme_lab-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_lab.py").write_text(PYTHON + MISBEHAVING, "utf-8")
    (site / "acme_broken.py").write_text("raise OSError('no disk')\n", "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lab\nVersion: 1.0\n", "utf-8")
    shown = POINTS["project"]["entry-points"]
    lines = [
        line
        for group, careless in BROKEN.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in {**careless, **shown[group]}.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    monkeypatch.syspath_prepend(str(site))
    plugin.cache_clear()
    yield site
    plugin.cache_clear()
    for module in ("acme_lab", "acme_broken"):
        sys.modules.pop(module, None)


def catalog_with(folder: Path, text: str) -> Catalog:
    """The current catalog, and a file over it."""
    path = folder / "override.toml"
    path.write_text(text, "utf-8")
    return load_catalog(override=path, as_of=DAY)


def checks(name: str) -> str:
    """An override that names one check."""
    return f'[task_types."{TYPE}"]\nchecks = [{{ name = "{name}", severity = "reject" }}]\n'


ACME_MODEL = """
[[models]]
provider = "acme"
model = "anvil"
api_model = "anvil-1"
tier = "economy"
speed_tier = "fast"
context_window = 32768
output_limit = 4096
prices = [{ effective_from = 2026-01-01, source = "Acme's price list", input = 0.1, output = 0.2 }]
"""


def shown_check() -> str:
    """The catalog block of CONTRIBUTING, as written there."""
    return next(body for language, body in BLOCKS if language == "toml" and "checks" in tomllib.loads(body).get(
        "task_types", {}
    ).get(TYPE, {}))  # fmt: skip


@pytest.mark.usefixtures("installed")
def test_a_provider_and_a_check_from_elsewhere_serve_a_task_whole(tmp_path: Path) -> None:
    assert CHECKED["task_types"][TYPE]["checks"][0]["name"] == "signed"
    catalog = catalog_with(tmp_path, ACME_MODEL + shown_check())
    config = RoutingConfig.start(
        catalog, arms={"acme": ArmSpec(model="acme/anvil")}, tasks={TYPE: {"acme": 100}}, as_of=DAY
    )
    with Lab.open(tmp_path / "lab.duckdb", catalog=catalog, config=config) as lab:
        task = Task(type=TYPE, input={"question": "Is it heavy?", "facts": "It weighs two kilograms."})
        (row,) = lab.run_many([task], RoutingContext(workspace_id="ws"), max_cost_usd=1.0).rows
        assert (row.status, row.output.splitlines()[-1]) == ("completed", "-- Acme")
        assert (lab.sql("SELECT cost_nano_usd FROM task_outcome")["cost_nano_usd"] > 0).all()


@pytest.mark.usefixtures("installed")
def test_a_check_from_elsewhere_rejects_what_it_should_and_failing_is_not_passing(tmp_path: Path) -> None:
    from bizq_lab.core.execution import ProviderReply, Usage  # noqa: PLC0415 - beside its one use
    from bizq_lab.execution.checks import is_acceptable, run_checks  # noqa: PLC0415

    def judged(name: str, text: str) -> tuple[bool, str]:
        entry = catalog_with(tmp_path, checks(name)).task_types[TYPE]
        reply = ProviderReply(text=text, finish_reason="stop", served_model="m", usage=Usage(), response_time_s=0.1)
        results = run_checks(entry, Task(type=TYPE), reply)
        return is_acceptable(results), results[0].detail

    assert judged("signed", "Heavy.\n-- Acme") == (True, "")
    assert judged("signed", "Heavy.") == (False, "is not signed by Acme")
    assert judged("raising", "Heavy.") == (False, "the check failed itself: RuntimeError")


def test_an_exporter_from_elsewhere_writes_and_its_losses_are_named(installed: Path, tmp_path: Path) -> None:
    catalog = load_catalog(as_of=DAY)
    config = RoutingConfig.start(
        catalog,
        arms={"luna": ArmSpec(model="openai/gpt-6-luna"), "haiku": ArmSpec(model="anthropic/claude-haiku-5-5")},
        tasks={TYPE: {"luna": 70, "haiku": 30}},
        as_of=DAY,
    )
    made = export(config, catalog, "acme-csv", today=DAY)
    assert f"{TYPE},anthropic/claude-haiku-5-5,30\n{TYPE},openai/gpt-6-luna,70\n" in made.text
    assert {"sticky", "propensity"} <= {loss.code for loss in made.losses}
    assert targets().count("json") == 1, "a plug-in does not replace a target of ours"
    assert export(config, catalog, "json", today=DAY).text.startswith("{")
    save_config(config, tmp_path / "routing.json")
    said = ended(spawn("export", tmp_path / "routing.json", "--target", "acme-csv", PYTHONPATH=str(installed)))
    assert (said.code, said.out) == (0, made.text)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("exploding", "OSError: no disk"),
        ("function", "is a function"),
        ("raising", "failed: RuntimeError"),
        ("numeric", "wrote a int"),
        ("nothing", "acme-csv"),
    ],
)
def test_a_broken_exporter_is_one_clear_error(target: str, why: str) -> None:
    catalog = load_catalog(as_of=DAY)
    with pytest.raises(InputError, match=re.escape(why)):
        export(RoutingConfig.start(catalog, as_of=DAY), catalog, target, today=DAY)


@pytest.mark.usefixtures("installed")
def test_a_broken_provider_is_one_clear_error_and_near_names_are_told() -> None:
    assert {"acme", "gone", "openai"} <= set(provider_names())
    assert make_provider("acme").name == "acme"
    with pytest.raises(InputError, match=r"'gone'.*no_such_module_of_anyone"):
        make_provider("gone")
    with pytest.raises(InputError, match="LookupError: no licence") as caught:
        make_provider("fussy")
    assert "sk-abc" not in str(caught.value)
    with pytest.raises(UnknownProvider, match="acme"):
        make_provider("acmee")


@pytest.mark.usefixtures("installed")
def test_a_broken_check_is_found_when_the_catalog_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalog, match="no_such_module_of_anyone"):
        catalog_with(tmp_path, checks("gone"))
    for name in ("number", "nothing"):
        with pytest.raises(InvalidCatalog, match=r"known: non_empty.*signed"):
            catalog_with(tmp_path, checks(name))


def test_a_careless_package_spoils_no_command_that_does_not_need_it(installed: Path) -> None:
    said = ended(spawn("route", "--type", TYPE, "--json", PYTHONPATH=str(installed)))
    assert said.code == Exit.OK, said.err


def test_every_metric_is_summed_by_the_one_query() -> None:
    """The recipe for a metric: its columns are in cells.sql, or no question could be asked about it."""
    text = (ROOT / "bizq_lab/store/queries/cells.sql").read_text("utf-8")
    for metric in (*METRICS.values(), FIRST_TOKEN):
        assert re.search(rf"\b{metric.total}\b", text)
        assert re.search(rf"\b{metric.count}\b", text)
