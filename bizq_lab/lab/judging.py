"""Judges of a lab: score logged answers, and show how far people agree before the scores are trusted. Asks no model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.money import Money
from bizq_lab.core.result import Result
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, LogLocked, NotEnoughData
from bizq_lab.execution.judge_text import rubric_version
from bizq_lab.execution.records import evaluation_event
from bizq_lab.lab.bar import progress_bar
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell
    from bizq_lab.execution.judge import Judge, Verdict

PPM = 1_000_000
LABELS = ("scored", "guarded", "invalid", "failed")
# Landis and Koch 1977 call agreement above 0.4 moderate; the whole interval has to lie there.
TRUSTED_KAPPA = 0.4
FEW = 30
_LOWEST, _STEPS = 1, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow:
    """What a judge made of one task type's answers."""

    task_type: str
    n: int
    scored: int
    guarded: int
    invalid: int
    failed: int
    mean_score: float | None
    cost_usd: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Judging(Result):
    """One pass of a judge over logged answers."""

    title: ClassVar[str] = "Judged answers"
    columns: ClassVar[tuple[str, ...]] = tuple(JudgedRow.__dataclass_fields__)
    judge: str
    rows: tuple[JudgedRow, ...]

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a task type."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def summary(self) -> str:
        """How many answers got a score, and what that cost."""
        n, scored = sum(row.n for row in self.rows), sum(row.scored for row in self.rows)
        cost = sum((Money.from_usd(row.cost_usd) for row in self.rows), Money(0))
        return f"{self.judge} scored {scored} of {n} answers for {cost}" if n else "no answer is left to judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRow:
    """One judge beside people.

    Attributes:
        judge: Catalog key.
        task_type: Task type, or `all`.
        n: Answers that both scored.
        kappa: Cohen's kappa on the five-point scale, quadratic weights.
        bias: Mean of the judge's score minus the person's, on [0, 1]; above 0 the judge is kinder.
        exact: Share with the same point of five.
        trusted: Whether the judge may stand in for people here: `n` of 30 or more, kappa's lower bound above 0.4.
    """

    judge: str
    task_type: str
    n: int
    kappa: Estimate
    bias: Estimate
    exact: Estimate
    trusted: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Agreement(Result):
    """How far a judge agrees with people, beyond chance."""

    title: ClassVar[str] = "Agreement of judge and people"
    columns: ClassVar[tuple[str, ...]] = tuple(AgreementRow.__dataclass_fields__)
    rows: tuple[AgreementRow, ...]

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a judge and task type."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def summary(self) -> str:
        """Whether the scores may be trusted: kappa's whole interval above 0.4, on 30 answers or more."""
        good = [row for row in self.rows if row.trusted]
        said = f"{len(good)} of {len(self.rows)} may be trusted"
        worst = min(self.rows, key=lambda row: row.kappa.value)
        return f"{said}; the weakest is {worst.judge} at {worst.task_type}: kappa {worst.kappa}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Kappa of each judge and task type with its interval."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - matplotlib loads when a figure is drawn

        return forest(self.records(), label="judge", group="task_type", estimate="kappa", reference=TRUSTED_KAPPA,
                      title="Agreement of judge and people", ax=ax)  # fmt: skip


class Judges(Parts):
    """What a `Lab` lets judges do."""

    def judge(
        self, model: str, *, task_type: str | None = None, limit: int = 100, progress: bool | None = None
    ) -> Judging:
        """Score logged answers that this judge has not seen, the latest first; each verdict is logged.

        Args:
            model: Any catalog name of the model that judges.
            task_type: Only this one.
            limit: At most so many answers.
            progress: Show a bar on standard error; None shows it to people only.

        Raises:
            UnknownModel: The catalog has no such model.
            InputError: `limit` is not positive.
            LogLocked: Another program holds the log.
        """
        if limit < 1:
            raise InputError(f"limit == {limit!r}, must be at least 1", hint="limit=100")
        judge = self.executor.judge(model)
        rows = self.log.query("judgeable", task_type=task_type, evaluator=judge.key, page=limit)
        verdicts = []
        with progress_bar(len(rows), label=judge.key, show=progress) as tick:
            for row in rows:
                verdicts.append(self.executor.wait(self._judged(judge, row)))
                tick(verdicts[-1].cost)
        kinds = sorted({row["task_type"] for row in rows})
        pairs = list(zip(rows, verdicts, strict=True))
        return Judging(
            judge=judge.key,
            rows=tuple(_judged_row(kind, [said for row, said in pairs if row["task_type"] == kind]) for kind in kinds),
        )

    async def _judged(self, judge: Judge, row: dict[str, Any]) -> Verdict:
        task = Task(type=row["task_type"], id=row["task_id"], key=row["task_key"], input=row["task_input"] or {})
        context = RoutingContext.model_validate(row["context"])
        verdict = await judge.score(task, context, row["output"], decision_id=row["decision_id"])
        self.log.append(
            evaluation_event(
                verdict,
                event_id=self.ids("evt"),
                recorded_at_us=self.clock.now_us(),
                decision_id=row["decision_id"],
                attempt_id=row["attempt_id"],
                evaluator=judge.key,
                rubric_version=judge.rubric_version(task.type),
                payloads=self.service.payloads,
            )
        )
        return verdict

    def judge_agreement(self, model: str | None = None, *, task_type: str | None = None) -> Agreement:
        """How far judges agree with the people who rated the same answers: kappa, bias and exact hits, with intervals.

        Until this shows agreement, a judge's scores say how the judge feels and nothing else: as an acceptance check it
        rejects nothing, and it is no source of quality. Verdicts by another rubric than today's are left out.

        Args:
            model: Only this judge; any catalog name.
            task_type: Only this one.

        Raises:
            UnknownModel: The catalog has no such model.
            NotEnoughData: Fewer than two answers have both, or all scores are the same.
        """
        key = None if model is None else self.catalog.resolve(model).key
        known = self.log.query("judged_and_rated", task_type=task_type, evaluator=key)
        found = [row for row in known if row["rubric_version"] == self._rubric_version(row["task_type"])]
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in found:
            groups.setdefault((row["evaluator"], row["task_type"]), []).append(row)
        enough = {name: rows for name, rows in groups.items() if len(rows) > 1}
        if not enough:
            message = f"{len(found)} answers have both a judge's score and a person's rating"
            raise NotEnoughData(
                message, hint="rate some judged answers: lab.give_feedback(result, UserFeedback(rating=4))"
            )
        rows = tuple(_agreement_row(*name, rows) for name, rows in sorted(enough.items()))
        few, old = len([row for row in rows if row.n < FEW]), len(known) - len(found)
        caveats = (
            Caveat(code="few", message=f"{few} rows have fewer than {FEW} answers that both scored"),
            Caveat(code="other_rubric", message=f"{old} verdicts by another rubric are left out"),
        )
        return Agreement(rows=rows, caveats=tuple(one for one, n in zip(caveats, (few, old), strict=True) if n))

    def trusts(self, judge: str, task_type: str) -> bool:
        """Whether a judge's word counts on a task type: `judge_agreement` says that it may be trusted.

        Read from the log once; `learn` reads it again. While another program holds the log, nobody is trusted.

        Args:
            judge: Catalog key.
            task_type: As declared.
        """
        known = self._trusted.get((judge, task_type))
        if known is None:
            try:
                known = any(row.trusted for row in self.judge_agreement(judge, task_type=task_type).rows)
            except NotEnoughData:
                known = False
            except LogLocked:
                return False
            self._trusted[judge, task_type] = known
        return known

    def _rubric_version(self, task_type: str) -> str:
        return rubric_version(task_type, self.catalog.task_type(task_type)[0].judge)


def _judged_row(kind: str, verdicts: list[Verdict]) -> JudgedRow:
    counts = Counter(verdict.label for verdict in verdicts)
    scores = [verdict.score for verdict in verdicts if verdict.score is not None]
    cost = sum((verdict.cost for verdict in verdicts if verdict.cost is not None), Money(0))
    return JudgedRow(
        task_type=kind,
        n=len(verdicts),
        scored=counts["scored"],
        guarded=counts["guarded"],
        invalid=counts["invalid"],
        failed=counts["failed"],
        mean_score=sum(scores) / len(scores) if scores else None,
        cost_usd=float(cost),
    )


def _agreement_row(judge: str, task_type: str, rows: list[dict[str, Any]]) -> AgreementRow:
    from bizq_lab.stats.agreement import cohen_kappa  # noqa: PLC0415 - statistics load when they are needed
    from bizq_lab.stats.means import mean  # noqa: PLC0415 - as above
    from bizq_lab.stats.proportions import wilson  # noqa: PLC0415 - as above
    from bizq_lab.stats.types import Moments, Tally  # noqa: PLC0415 - as above

    scores = [row["score_ppm"] / PPM for row in rows]
    people = [(row["rating_ppm"] / PPM - _LOWEST) / _STEPS for row in rows]
    points = [[round(value * _STEPS) for value in side] for side in (scores, people)]
    kappa = cohen_kappa(points[0], points[1], weights="quadratic")
    gaps = [one - other for one, other in zip(scores, people, strict=True)]
    same = sum(one == other for one, other in zip(*points, strict=True))
    return AgreementRow(
        judge=judge,
        task_type=task_type,
        n=len(rows),
        kappa=kappa,
        bias=mean(Moments.from_values(gaps), unit="quality", support=(-1, 1)),
        exact=wilson(Tally(same, len(rows)), unit="ratio"),
        trusted=len(rows) >= FEW and kappa.lower > TRUSTED_KAPPA,
    )
