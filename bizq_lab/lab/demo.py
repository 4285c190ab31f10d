"""What the demo's three providers run: their arms, their tasks, their limits. Knows no terminal and no report."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.catalog.tasks import data_folder, load_tasks
from bizq_lab.config import ArmSpec
from bizq_lab.core.seeded import SeededClock, SeededIds
from bizq_lab.errors import InputError
from bizq_lab.execution import local_engine_problem
from bizq_lab.lab.lab import Lab
from bizq_lab.lab.loop import LoopOptions, LoopOutcome, Progress, close_the_loop
from bizq_lab.lab.providers import LazyProviders, live_providers, replay_providers, simulated_providers
from bizq_lab.store import Log, RecordedOutcomes, journal_folder

if TYPE_CHECKING:
    from bizq_lab.core.task import Task

DemoProvider = Literal["local", "replay", "simulated"]
Arms = Mapping[str, Mapping[str, ArmSpec]]

MAX_TOKENS = 64
QUICK_PER_TYPE = 4
PAIRING_LIMIT_S = 75.0
# A study's time starts here, so that the same seed gives the same bytes on any day.
STUDY_START = date(2026, 11, 1)
LOCAL_MODEL = "local/smollm2-135m"
ORIGIN = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A lab with everything the loop needs.

    Attributes:
        lab: Open on a fresh log.
        provider: What really answers.
        tasks: Of all types.
        arms: Arm specifications by task type; the first is the control.
        options: How much and how long.
        note: What a reader must know about the provider.
        config_path: Where the tuned config is published.
    """

    lab: Lab
    provider: DemoProvider
    tasks: tuple[Task, ...]
    arms: Arms
    options: LoopOptions
    note: str
    config_path: Path

    def with_repeats(self, repeats: int) -> Demo:
        """The same demo, whose arms execute each task this often.

        Raises:
            InputError: Fewer than one, or more than were recorded of what is replayed.
        """
        most = self.options.repeats if self.provider == "replay" else repeats
        if not 1 <= repeats <= most:
            message = f"repeats == {repeats}, must be from 1 to {max(most, 1)}"
            raise InputError(message, hint="a recorded outcome counts once")
        return replace(self, options=replace(self.options, repeats=repeats))

    def run(self, progress: Progress | None = None) -> LoopOutcome:
        """Close the loop once; the lab is left routing by what it learned."""
        return close_the_loop(
            self.lab,
            tasks=self.tasks,
            arms=self.arms,
            config_path=self.config_path,
            options=self.options,
            progress=progress,
        )


def choose_provider(named: DemoProvider | None) -> tuple[DemoProvider, str]:
    """The provider to use, and what to say about the choice.

    Raises:
        EngineMissing: `local` was named, and the engine or its weights are not installed.
    """
    if named in {"replay", "simulated"}:
        return named, ""
    problem = local_engine_problem(LOCAL_MODEL)
    if problem is None:
        return "local", ""
    if named == "local":
        raise problem
    return "replay", f"The local engine is not available ({problem.message}); replaying recorded outcomes instead."


def open_demo(
    folder: Path | None = None,
    *,
    provider: DemoProvider = "replay",
    full: bool = False,
    repeats: int | None = None,
    seed: int = 0,
) -> Demo:
    """Open the lab of one demo, on a fresh log.

    Args:
        folder: Where `lab.duckdb` and `routing.json` go; a temporary folder if not given.
        provider: What answers.
        full: All tasks and no time limit, rather than four tasks a type within 75 s.
        repeats: How often each arm executes each task; by default as often as the provider is usually asked.
        seed: Seed of every draw.

    Raises:
        EngineMissing: `local` was named, and the engine or its weights are not installed.
        InputError: Too few or too many repeats, or the folder holds a log that no demo made.
    """
    openers: dict[DemoProvider, Callable[..., Demo]] = {"local": _local, "replay": _replay, "simulated": _simulated}
    home = Path(tempfile.mkdtemp(prefix="bizq_lab_")) if folder is None else folder
    home.mkdir(parents=True, exist_ok=True)
    _clear(home / "lab.duckdb")
    demo = openers[provider](home, full=full, seed=seed)
    return demo if repeats is None else demo.with_repeats(repeats)


def _local(home: Path, *, full: bool, seed: int) -> Demo:
    today = datetime.now(UTC).date()
    catalog = load_catalog("current", as_of=today)
    lab = Lab.open(
        home / "lab.duckdb", catalog=catalog, providers=live_providers(catalog, "live"), seed=seed, origin=ORIGIN
    )
    tasks = _all_tasks(catalog)
    return Demo(
        lab=lab,
        provider="local",
        tasks=tasks,
        config_path=home / "routing.json",
        arms=prompt_arms(catalog),
        options=LoopOptions(
            per_type=_most(tasks) if full else QUICK_PER_TYPE,
            deadline_s=None if full else PAIRING_LIMIT_S,
            budget_usd=1.0,
            as_of=today,
        ),
        note="Real outputs of SmolLM2-135M, run inside this process; its price is compute.",
    )


def _replay(home: Path, *, full: bool, seed: int) -> Demo:  # noqa: ARG001 - replay is fast enough to be always full
    catalog = load_catalog("current", as_of=STUDY_START)
    outcomes = RecordedOutcomes(data_folder("recorded") / "smollm2.parquet")
    tasks = _all_tasks(catalog)
    return Demo(
        lab=_study(home, catalog, seed, replay_providers(catalog, outcomes)),
        provider="replay",
        tasks=tasks,
        config_path=home / "routing.json",
        arms=prompt_arms(catalog),
        options=LoopOptions(per_type=_most(tasks), repeats=outcomes.repeats, budget_usd=1.0, as_of=STUDY_START),
        note="Real outputs of SmolLM2-135M, recorded by `bizq-lab record`, replayed.",
    )


def _simulated(home: Path, *, full: bool, seed: int) -> Demo:
    catalog = load_catalog("current", as_of=STUDY_START)
    tasks = _all_tasks(catalog)
    return Demo(
        lab=_study(home, catalog, seed, simulated_providers(catalog, seed)),
        provider="simulated",
        tasks=tasks,
        config_path=home / "routing.json",
        arms=model_arms(catalog),
        options=LoopOptions(per_type=_most(tasks), repeats=20 if full else 8, budget_usd=100.0, as_of=STUDY_START),
        note="A simulated world with known truth: no model answered, no money was spent.",
    )


def _study(home: Path, catalog: Catalog, seed: int, providers: LazyProviders) -> Lab:
    clock = SeededClock(STUDY_START)
    return Lab.open(
        home / "lab.duckdb",
        catalog=catalog,
        providers=providers,
        clock=clock,
        ids=SeededIds(seed),
        seed=seed,
        origin=ORIGIN,
    )


def _all_tasks(catalog: Catalog) -> tuple[Task, ...]:
    return tuple(task for name in catalog.task_types if name != "default" for task in load_tasks(name))


def _most(tasks: Sequence[Task]) -> int:
    """Tasks of the type that has most."""
    return max(Counter(task.type for task in tasks).values())


def prompt_arms(catalog: Catalog, model: str = LOCAL_MODEL) -> Arms:
    """Two arms a task type on one small model: the plain prompt, and the prompt with a worked example."""
    variants = {"smollm2-plain": "default", "smollm2-example": "example"}
    return {
        name: {arm: ArmSpec(model=model, prompt=variant, max_tokens=MAX_TOKENS) for arm, variant in variants.items()}
        for name in catalog.task_types
        if name != "default"
    }


def model_arms(catalog: Catalog) -> Arms:
    """Two arms a task type on hosted models: the matrix's choice, and the best by the hand-made efficiency ordering."""
    arms: dict[str, dict[str, ArmSpec]] = {}
    for name, entry in catalog.task_types.items():
        if name != "default":
            rival = next(key for key in entry.efficiency if key != entry.model)
            arms[name] = {key.split("/")[1]: ArmSpec(model=key) for key in (entry.model, rival)}
    return arms


def _clear(log: Path) -> None:
    """Remove an earlier demo's log, and nothing that is not one.

    Raises:
        ForeignFile: The file is not a bizq_lab log.
        InputError: It is one that holds more than demos.
    """
    if log.exists() or journal_folder(log).exists():  # what was logged may not have been collected yet
        with Log.open(log) as earlier:
            others = [row["origin"] for row in earlier.query("origins") if row["origin"] != ORIGIN]
        if others:
            message = f"{log} holds decisions that no demo made (origin {', '.join(others)}); it was left as it is"
            raise InputError(message, hint="name another folder with --out")
        log.unlink(missing_ok=True)
    shutil.rmtree(journal_folder(log), ignore_errors=True)
