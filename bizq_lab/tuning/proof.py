"""Proof before shipping: what a proposal is worth against what runs now, for whom it changes, how it would have done.

Value comes from the log's own evidence: paired tasks, or randomised decisions by their propensities. What neither can
speak of is not proved, and says so. Ships nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.evaluate import evaluate
from bizq_lab.analysis.evaluation import ALL
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import EvidenceError, InputError
from bizq_lab.tuning.backtest import Backtest, backtest
from bizq_lab.tuning.gain import total
from bizq_lab.tuning.who_moves import WhoMoves, who_moves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.analysis.evaluation import Evaluation
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log
    from bizq_lab.tuning.proposal import Proposal

NOT_RANDOM = "propensities_miscalibrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """One task type that would move, or `all` of them together.

    Attributes:
        task_type: Task type.
        gain_usd: Net benefit a task over what runs now; None where the log cannot say.
        success: Change of the success rate.
        cost_usd: Change of the cost of a task.
        basis: `paired` or `off-policy`; empty where the log cannot say.
        n: Paired tasks, or decisions.
        because: Why the log cannot say; empty where it can.
    """

    task_type: str
    gain_usd: Estimate | None
    success: Estimate | None
    cost_usd: Estimate | None
    basis: str
    n: int
    because: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Proof(Result):
    """Whether the log supports shipping a proposal.

    Attributes:
        config_hash: Of the config that was proved.
        who: What changes for which workspace.
        past: How proposals of past weeks would have done in the week after.
        blockers: Why it must not be published without an override; empty if it may.
    """

    title: ClassVar[str] = "Proof before shipping"
    columns: ClassVar[tuple[str, ...]] = tuple(ProofRow.__dataclass_fields__)

    rows: tuple[ProofRow, ...]
    config_hash: str
    who: WhoMoves
    past: Backtest | None
    blockers: tuple[str, ...]

    @property
    def gain(self) -> Estimate | None:
        """Net benefit a task over all that would move; None where nothing could be valued."""
        return next((row.gain_usd for row in self.rows if row.task_type == ALL), None)

    def summary(self) -> str:
        """Whether it may ship, what it gains, and for how many tasks something changes."""
        verdict = "The evidence supports it" if not self.blockers else f"Not supported: {'; '.join(self.blockers)}"
        gain = "" if self.gain is None else f" It gains {self.gain} a task where it moves."
        return f"{verdict}.{gain} {self.who.summary()}"

    def records(self) -> list[dict[str, Value]]:
        """One mapping a task type."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The gain by task type.

        Raises:
            InputError: Nothing could be valued.
        """
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [{"task": row.task_type, "gain": row.gain_usd} for row in self.rows if row.gain_usd is not None]
        if not rows:
            message = "nothing could be valued, so there is nothing to draw"
            raise InputError(message, hint=str(self.rows[0].because) if self.rows else "nothing moves")
        return forest(
            rows,
            label="task",
            estimate="gain",
            reference=0.0,
            better="increase",
            title="Gain in net benefit a task over what runs now",
            ax=ax,
        )


def prove(
    log: Log,
    catalog: Catalog,
    proposal: Proposal,
    *,
    present: RoutingConfig | None,
    weeks: int = 4,
    from_us: int | None = None,
    to_us: int | None = None,
    level: float = 0.95,
) -> Proof:
    """Hold a proposal against what runs now, by the log's own evidence.

    Args:
        log: The log.
        catalog: Models, prices and values.
        proposal: What `tune` proposed.
        present: What runs now; None means the rules.
        weeks: Past weeks to test on: each week is proposed for from the weeks before it alone. 0 for none.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
        level: Coverage of the intervals.

    Raises:
        InputError: `weeks` is negative.
    """
    if weeks < 0:
        message = f"weeks == {weeks!r}, must not be negative"
        raise InputError(message)
    required = {row.task_type for row in proposal.rows if row.status == "required"}
    rows, sound = _rows(log, catalog, proposal, present, from_us=from_us, to_us=to_us, level=level)
    past = (
        backtest(log, catalog, present=present, as_of=proposal.config.as_of, weeks=weeks, level=level)
        if weeks and proposal.moved
        else None
    )
    return Proof(
        rows=tuple(rows),
        config_hash=proposal.config.hash,
        who=who_moves(log, proposal, present, from_us=from_us, to_us=to_us),
        past=past,
        blockers=tuple(_blockers(rows, required, past, sound=sound)),
        caveats=_caveats(rows, required),
        provenance=Provenance(
            view="policy_sums",
            n_decisions=sum(row.n for row in rows if row.task_type != ALL),
            config_hash=proposal.config.hash,
            catalog_version=catalog.version,
        ),
    )


def _rows(
    log: Log,
    catalog: Catalog,
    proposal: Proposal,
    present: RoutingConfig | None,
    *,
    from_us: int | None,
    to_us: int | None,
    level: float,
) -> tuple[list[ProofRow], bool]:
    """A row a task type that moves, and one for all that could be valued; and whether propensities are sound."""
    rows, found = [], []
    for name in sorted(proposal.moved):
        try:
            answer = evaluate(
                log,
                catalog,
                proposal.config,
                against=present,
                task_type=name,
                from_us=from_us,
                to_us=to_us,
                level=level,
            )
        except EvidenceError as error:
            because = error.message.splitlines()[0].rstrip(":")
            rows.append(
                ProofRow(task_type=name, gain_usd=None, success=None, cost_usd=None, basis="", n=0, because=because)
            )
            continue
        rows.append(_row(name, answer))
        found.append((name, answer))
    sound = all(NOT_RANDOM not in {c.code for c in answer.caveats} for _, answer in found)
    if len(found) > 1:
        rows.append(_together(rows, proposal, level))
    elif found:
        rows.append(_row(ALL, found[0][1]))
    return rows, sound


def _row(name: str, answer: Evaluation) -> ProofRow:
    gain = next((r for r in answer.rows if r.metric == "net_benefit" and r.task_type == ALL), None)
    by_metric = {r.metric: r.difference for r in answer.rows if r.task_type == ALL}
    return ProofRow(
        task_type=name,
        gain_usd=by_metric.get("net_benefit"),
        success=by_metric.get("success"),
        cost_usd=by_metric.get("cost"),
        basis=answer.rows[0].basis,
        n=answer.rows[0].n,
        because="" if gain is not None else "some of its calls have no known price",
    )


def _together(rows: Sequence[ProofRow], proposal: Proposal, level: float) -> ProofRow:
    """Over the task types that were valued, each by its volume; types are taken as independent."""
    known = [row for row in rows if row.gain_usd is not None]
    volumes = [proposal.volume_of(row.task_type) for row in known]
    shares = [volume / sum(volumes) for volume in volumes]

    def mean(name: str) -> Estimate | None:
        parts = [(getattr(row, name), share) for row, share in zip(known, shares, strict=True)]
        return total(parts, level=level) if all(part is not None for part, _ in parts) else None

    bases = {row.basis for row in known}
    return ProofRow(
        task_type=ALL,
        gain_usd=mean("gain_usd"),
        success=None,
        cost_usd=mean("cost_usd"),
        basis=next(iter(bases)) if len(bases) == 1 else "mixed",
        n=sum(row.n for row in known),
        because="",
    )


def _blockers(rows: Sequence[ProofRow], required: set[str], past: Backtest | None, *, sound: bool) -> list[str]:
    """What stands against shipping; a move that a limit demands needs no gain, only no ignorance of its own making."""
    types = [row for row in rows if row.task_type != ALL]
    blind = [row.task_type for row in types if row.gain_usd is None and row.task_type not in required]
    worse = [row.task_type for row in types if row.gain_usd is not None and row.gain_usd.upper < 0]
    overall = next((row.gain_usd for row in rows if row.task_type == ALL), None)
    free = [row for row in types if row.task_type not in required]
    found = []
    if blind:
        found.append(f"the log cannot value the move of {', '.join(blind)}")
    if set(worse) - required:
        found.append(f"it is worse than what runs now at {', '.join(sorted(set(worse) - required))}")
    if free and overall is not None and overall.lower <= 0 and not required:
        found.append(f"its gain of {overall} a task is not clearly above nothing")
    if not sound:
        found.append("the logged propensities are wrong, so no weight can be trusted")
    if past is not None and past.gain is not None and past.gain.upper < 0:
        found.append(f"proposals of past weeks lost {past.gain} a task in the week after")
    return found


def _caveats(rows: Sequence[ProofRow], required: set[str]) -> tuple[Caveat, ...]:
    notes = []
    unproved = [row for row in rows if row.because]
    if unproved:
        what = "; ".join(f"{row.task_type}: {row.because}" for row in unproved)
        notes.append(Caveat(code="not_valued", message=f"Not valued: {what}"))
    if required:
        message = f"A limit demands the move of {', '.join(sorted(required))}; it needs no gain"
        notes.append(Caveat(code="moved_by_limit", message=message))
    return tuple(notes)
