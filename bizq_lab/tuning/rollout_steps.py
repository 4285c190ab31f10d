"""The steps of a rollout: the only rollout module that writes. Decides nothing.

Every step writes, in this order, the plan beside the config, the config, and a row of the log. A process killed in
between leaves a plan that says what the config must become; the next call finishes the step. A rollback reads the plan
alone: no log, no evidence, no expiry can hold it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.config import RoutingConfig, load_config, save_config
from bizq_lab.config.shippable import refuse_unshippable
from bizq_lab.core.seeded import US_PER_S
from bizq_lab.errors import ConfigError, InputError, InvalidRoutingConfig
from bizq_lab.tuning.rollout_audit import look_event, step_event
from bizq_lab.tuning.rollout_decision import Judgement
from bizq_lab.tuning.rollout_files import load_rollout, plan_path, save_rollout
from bizq_lab.tuning.rollout_plan import WHOLE, Rollout, Step, StepName
from bizq_lab.tuning.rollout_report import RolloutReport

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.protocols import Clock
    from bizq_lab.store import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSteps:
    """What a rollout of one routing config file stands on.

    Attributes:
        path: The file that production reads.
        log: Where outcomes are read and steps are logged.
        catalog: Says which models are retired.
        clock: Time of every step.
        author: Who acts, as logged.
        sign: Signs what is written, where readers take up signed configs alone.
    """

    path: Path
    log: Log
    catalog: Catalog
    clock: Clock
    author: str = ""
    sign: Callable[[RoutingConfig], RoutingConfig] | None = None

    def _made(self, rollout: Rollout, present: RoutingConfig, percent: int, as_of: date) -> RoutingConfig:
        """The config of a share, signed where the one before was."""
        made = rollout.config(present, percent, as_of=as_of)
        if self.sign is not None:
            return self.sign(made)
        if present.signature is not None:
            message = f"config {present.hash[:12]} is signed, and the next one would not be"
            raise InputError(message, hint="give the private key: --key key.pem")
        return made

    def _restored(self, rollout: Rollout, present: RoutingConfig | None, as_of: date) -> RoutingConfig:
        """What ran before, with the signature it had; a missing key holds no rollback up."""
        restored = rollout.restored(present, as_of=as_of)
        return restored if self.sign is None or restored == rollout.baseline else self.sign(restored)

    def _step(  # noqa: PLR0917 - private
        self,
        rollout: Rollout,
        before: RoutingConfig | None,
        action: StepName,
        config: RoutingConfig,
        at_us: int,
        as_of: date,
        author: str,
        reason: str,
        said: Judgement | None = None,
        **changes: Any,
    ) -> Rollout:
        """Plan, config, log: in this order, so that a crash in between can be finished."""
        percent = changes.pop("percent", rollout.percent)
        step = Step(
            action=action,
            at_us=at_us,
            as_of=as_of,
            percent=percent,
            author=author,
            reason=reason,
            config_hash=config.hash,
        )
        done = rollout.stepped(step, **changes)
        save_rollout(done, self.path)
        if before is None or before.hash != config.hash or not self.path.exists():
            save_config(config, self.path)
        self.log.append(step_event(done, step, config, said))
        return done

    def _log_hold(self, rollout: Rollout, now_us: int, reason: str, said: Judgement) -> None:
        """Log a look that changed nothing, once for each thing it said."""
        event = look_event(rollout, now_us, reason, said)
        past = self.log.query("rollout_steps", rollout=rollout.id)
        if not past or (past[-1]["action"], past[-1]["evidence"]) != ("held", event.evidence):
            self.log.append(event)

    def _advance(  # noqa: PLR0917 - private
        self,
        rollout: Rollout,
        now_us: int,
        today: date,
        action: StepName,
        author: str,
        reason: str,
        said: Judgement | None,
        seen: dict[str, Any],
    ) -> RolloutReport:
        present = self._present()
        moved = rollout.model_copy(update={"stage": rollout.stage + 1})
        config = self._made(rollout, present, moved.percent, today)
        done = self._step(
            rollout, present, action, config, now_us, today, author, reason, said,
            stage=moved.stage, status="ramping", percent=moved.percent,
        )  # fmt: skip
        if done.stage == len(done.ramp) - 1 and done.percent == WHOLE:
            return self._finish(done, config, now_us, reason, **seen)
        return RolloutReport(rollout=done, action="advanced", reason=reason, **seen)

    def _finish(self, rollout: Rollout, config: RoutingConfig, now_us: int, reason: str, **seen: Any) -> RolloutReport:
        day = rollout.steps[-1].as_of
        done = self._step(
            rollout, config, "completed", config, now_us, day, rollout.steps[-1].author, reason, status="complete"
        )
        return RolloutReport(rollout=done, action="completed", reason=reason, **seen)

    def _take_back(  # noqa: PLR0917 - private
        self,
        rollout: Rollout,
        now_us: int,
        today: date,
        author: str,
        reason: str,
        said: Judgement | None,
        seen: dict[str, Any],
    ) -> RolloutReport:
        try:
            present: RoutingConfig | None = load_config(self.path)
        except InvalidRoutingConfig:
            present = None
        config = self._restored(rollout, present, today)
        share = rollout.before().get(rollout.arm, 0)
        done = self._step(
            rollout,
            present,
            "rolled_back",
            config,
            now_us,
            today,
            author,
            reason,
            said,
            status="rolled_back",
            percent=share,
        )
        return RolloutReport(rollout=done, action="rolled_back", reason=reason, alert=True, **seen)

    def _refuse_second(self) -> None:
        if plan_path(self.path).exists() and load_rollout(self.path).active:
            message = f"a rollout of {str(self.path)!r} is under way"
            raise InputError(message, hint="promote it to the end, or roll it back, before another starts")

    def _under_way(self, reason: str) -> Rollout:
        if not reason.strip():
            raise InputError("reason == '', must say why", hint="it is logged with the step")
        rollout = self._settled()
        if not rollout.active:
            message = f"the rollout of {rollout.arm!r} is {rollout.status.replace('_', ' ')}"
            raise InputError(message, hint="start another")
        return rollout

    def _settled(self) -> Rollout:
        """The plan, after finishing a step that a killed process left half done."""
        rollout = load_rollout(self.path)
        last = rollout.steps[-1]
        try:
            present: RoutingConfig | None = load_config(self.path)
        except InvalidRoutingConfig:
            present = None
        before = rollout.steps[-2].config_hash if len(rollout.steps) > 1 else rollout.baseline.hash
        behind = present is not None and present.hash == before != last.config_hash
        if behind and present is not None:
            back = last.action == "rolled_back"
            config = (
                self._restored(rollout, present, last.as_of)
                if back
                else self._made(rollout, present, last.percent, last.as_of)
            )
            save_config(config, self.path)
            present = config
        if present is not None and present.hash == last.config_hash:
            logged = {row["event_id"] for row in self.log.query("rollout_steps", rollout=rollout.id)}
            event = step_event(rollout, last, present, None)
            if event.event_id not in logged:
                self.log.append(event)
        if rollout.status == "ramping" and rollout.percent == WHOLE and present is not None:
            return self._finish(rollout, present, last.at_us, last.reason).rollout
        return rollout

    def _present(self) -> RoutingConfig:
        return load_config(self.path)

    def _blocked(self, rollout: Rollout, today: date) -> tuple[str, bool]:
        """Why the share may not grow now, and whether somebody should look."""
        try:
            present = load_config(self.path)
            refuse_unshippable(present, self.catalog, today=today, arms=[rollout.arm], offline_too=True)
        except ConfigError as error:
            return error.message, True
        if present.hash != rollout.steps[-1].config_hash:
            return f"another config, {present.hash[:12]}, was published meanwhile", True
        if rollout.status == "held":
            return f"held by hand: {last_step(rollout)}", False
        if rollout.stage == len(rollout.ramp) - 1:
            return f"the ramp ends at {rollout.percent} %", False
        return "", False


def last_step(rollout: Rollout) -> str:
    """What happened last, when and why."""
    step = rollout.steps[-1]
    return f"{step.action.replace('_', ' ')} on {step.as_of}: {step.reason}"


def day_of(now_us: int) -> date:
    """The UTC day of an instant."""
    return datetime.fromtimestamp(now_us / US_PER_S, UTC).date()
