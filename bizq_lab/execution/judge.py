"""A model judges what another one wrote (S7): one booked call, a verdict that is believed only where it may be.

The call is an attempt of the judged decision with purpose `judge`, so it is limited, reserved and logged as any other.
Its cost is the price of measuring: the ledger counts it, the outcome of the judged arm does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from bizq_lab.catalog.schema import CheckSpec
from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.money import Money
from bizq_lab.errors import InputError
from bizq_lab.execution.chain import is_local, undecided
from bizq_lab.execution.guards import Skipped, provider_for
from bizq_lab.execution.job import Ended, Job
from bizq_lab.execution.judge_text import (
    BEST,
    WORST,
    Ask,
    Label,
    Reading,
    ask_choice,
    ask_score,
    read_answer,
    rubric_version,
    speaks_to_judge,
)
from bizq_lab.execution.progress import Progress
from bizq_lab.execution.retry import ChainBudget

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.protocols import IdSource
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.execution.gate import Gate

ANSWER_TOKENS = 200
TIMEOUT_S = 60.0
_LATER = 1_000  # ordinals of judges come after those of any chain


class Verdict(NamedTuple):
    """What a judge said.

    Attributes:
        score: In [0, 1]; None when there is none to be believed.
        label: `scored`, `guarded`, `invalid` or `failed`.
        reason: The judge's own words, or why there are none; hostile until escaped.
        attempt_id: Its call; empty when none was made.
        cost: Of the call; None when its price is unknown.
        seconds: That the call took.
    """

    score: float | None
    label: Label
    reason: str
    attempt_id: str = ""
    cost: Money | None = Money(0)
    seconds: float = 0.0


class Preference(NamedTuple):
    """Which of two texts a judge prefers, asked in both orders.

    Attributes:
        better: `first`, `second`, or `tie`; a tie also where the two orders disagree: then the place spoke.
        label: As a verdict's; `scored` only where both orders gave a verdict.
        consistent: Whether both orders said the same.
        cost: Of both calls.
    """

    better: Literal["first", "second", "tie"]
    label: Label
    consistent: bool
    cost: Money | None = Money(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One catalog model as a judge.

    Attributes:
        model: Any name of the model in the catalog.
        catalog: Rubrics and prices.
        gate: Makes the call.
        ids: Where the markers come from that no text can know.
    """

    model: str
    catalog: Catalog
    gate: Gate
    ids: IdSource

    @property
    def key(self) -> str:
        """Catalog key of the model."""
        return self.catalog.resolve(self.model).key

    def rubric_version(self, task_type: str) -> str:
        """Changes with the rubric, and with how the judge is asked."""
        return rubric_version(task_type, self._rubric(task_type))

    async def score(
        self, task: Task, context: RoutingContext, output: str, *, decision_id: str, number: int = 0,
        budget: ChainBudget | None = None,
    ) -> Verdict:  # fmt: skip
        """Score one text by the rubric of its task type.

        Args:
            task: What was asked.
            context: Whose; a workspace that keeps everything local is only judged by a local model.
            output: What was answered.
            decision_id: On whose books the call is.
            number: How many calls of this judge the decision has already.
            budget: Time and money that are left for it; None means no limit but its own.

        Raises:
            InputError: The task type has no rubric, or the text must not leave the machine.
            JournalWriteError: The log cannot be written.
        """
        rubric = self._rubric(task.type)
        if speaks_to_judge(output):
            return Verdict(None, "guarded", "the text speaks to its judge")
        ask = ask_score(
            task_type=task.type, rubric=rubric, task_input=task.input, output=output, nonce=self.ids("mark")
        )
        reading, ended = await self._ask(task, context, ask, decision_id=decision_id, number=number, budget=budget)
        if isinstance(ended, Skipped):
            return Verdict(None, "failed", ended.message)
        found = (ended.attempt.attempt_id, ended.attempt.cost, ended.attempt.response_time_s)
        if ended.attempt.reply is None:
            return Verdict(None, "failed", ended.attempt.error_class, *found)
        if reading is None or reading.score is None:
            return Verdict(None, "invalid", "the answer is not the verdict that was asked for", *found)
        return Verdict((reading.score - WORST) / (BEST - WORST), "scored", reading.reason, *found)

    async def prefer(
        self, task: Task, context: RoutingContext, first: str, second: str, *, decision_id: str
    ) -> Preference:
        """Say which of two texts is better, asking in both orders.

        Raises:
            InputError: As `score`.
        """
        rubric = self._rubric(task.type)
        if speaks_to_judge(first) or speaks_to_judge(second):
            return Preference("tie", "guarded", consistent=False)
        said: list[str] = []
        cost: Money | None = Money(0)
        for number, (one, other) in enumerate(((first, second), (second, first))):
            ask = ask_choice(
                task_type=task.type, rubric=rubric, task_input=task.input, first=one, second=other,
                nonce=self.ids("mark"),
            )  # fmt: skip
            reading, ended = await self._ask(task, context, ask, decision_id=decision_id, number=number)
            if isinstance(ended, Ended):
                cost = None if cost is None or ended.attempt.cost is None else cost + ended.attempt.cost
            if reading is None:
                answered = isinstance(ended, Ended) and ended.attempt.reply is not None
                return Preference("tie", "invalid" if answered else "failed", consistent=False, cost=cost)
            said.append(reading.choice)
        swapped = {"first": "second", "second": "first", "tie": "tie"}[said[1]]
        better = said[0] if said[0] == swapped else "tie"
        return Preference(_choice(better), "scored", consistent=said[0] == swapped, cost=cost)

    def _rubric(self, task_type: str) -> str:
        entry, _ = self.catalog.task_type(task_type)
        if not entry.judge:
            message = f"task type {task_type!r} has no rubric"
            raise InputError(message, hint="give it a `judge` in the catalog")
        return entry.judge

    async def _ask(
        self, task: Task, context: RoutingContext, ask: Ask, *, decision_id: str, number: int,
        budget: ChainBudget | None = None,
    ) -> tuple[Reading | None, Ended | Skipped]:  # fmt: skip
        config = self._config(task)
        preferences = context.workspace_preferences
        if preferences is not None and preferences.residency == "local" and not is_local(config, self.catalog):
            message = (
                f"workspace {context.workspace_id!r} keeps its text on this machine, and {config.key} is elsewhere"
            )
            raise InputError(message, hint="name a local model as the judge")
        provider = provider_for(config, self.gate.providers, self.catalog)
        if isinstance(provider, Skipped):
            return None, provider
        left_s = TIMEOUT_S if budget is None or budget.time_left_s is None else min(TIMEOUT_S, budget.time_left_s)
        if left_s <= 0.0:
            return None, Skipped("deadline", "no time was left")
        job = self._job(task, context, config, decision_id)
        held = "json_schema" in self.catalog.resolve(config.key).capabilities or config.provider == "local"
        call = ProviderCall(
            config=config, prompt=ask.user, system=ask.system, task_type=task.type, task_key=task.key, arm="judge",
            stream=False, timeout_s=left_s, ordinal=_LATER + number, task=task,
            json_schema=ask.schema if held else None,
        )  # fmt: skip
        chain = Progress(
            job=job, budget=budget or ChainBudget(attempts_left=1, deadline_s=None, cap_nano_usd=None), routed=False
        )
        ended = await self.gate.send(chain, call, provider)
        reply = ended.attempt.reply if isinstance(ended, Ended) else None
        return (None if reply is None else read_answer(reply.text, ask)), ended

    def _config(self, task: Task) -> ModelConfig:
        """The judge with temperature 0 and room for a verdict, whatever the judged task type asks for."""
        entry, _ = self.catalog.task_type(task.type)
        made = self.catalog.model_config(self.model, entry, temperature=0.0, max_tokens=ANSWER_TOKENS)
        return replace(made, top_p=None, stop=())

    def _job(self, task: Task, context: RoutingContext, config: ModelConfig, decision_id: str) -> Job:
        entry, _ = self.catalog.task_type(task.type)
        plain = entry.model_copy(
            update={"checks": (CheckSpec(name="non_empty", severity="reject"),), "side_effects": False, "hedge": None}
        )
        decision = undecided(task, config, context, self.catalog, decision_id=decision_id)
        return Job(decision=decision, task=task, context=context, entry=plain, repeat=0, purpose="judge")


def _choice(name: str) -> Literal["first", "second", "tie"]:
    return "first" if name == "first" else "second" if name == "second" else "tie"
