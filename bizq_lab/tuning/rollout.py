"""Ramp an arm up under guardrails, and take it back when it disappoints (S31): the actions. Knows no file format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from bizq_lab.config import EvidenceRow, RoutingConfig, load_config
from bizq_lab.config.shippable import refuse_unshippable
from bizq_lab.core.ids import derived_id
from bizq_lab.core.seeded import US_PER_S
from bizq_lab.errors import InputError, InvalidRoutingConfig, UnsafeProposal
from bizq_lab.tuning.guardrails import GUARDRAILS, Guardrail
from bizq_lab.tuning.publish import unsupported
from bizq_lab.tuning.rollout_decision import judge
from bizq_lab.tuning.rollout_files import load_rollout
from bizq_lab.tuning.rollout_history import RolloutHistory, rollout_history
from bizq_lab.tuning.rollout_plan import RAMP, WHOLE, Rollout, present_weights, ramped
from bizq_lab.tuning.rollout_report import RolloutReport
from bizq_lab.tuning.rollout_rows import read_exposures
from bizq_lab.tuning.rollout_steps import RolloutSteps, day_of, last_step

US_PER_HOUR = 3600 * US_PER_S


class Rollouts(RolloutSteps):
    """The rollout of one routing config file."""

    def start(
        self,
        *,
        task_type: str,
        arm: str,
        present: RoutingConfig | None = None,
        ramp: Sequence[int] = RAMP,
        guardrails: Sequence[Guardrail] = GUARDRAILS,
        evidence: Iterable[EvidenceRow] = (),
        override: str = "",
        as_of: date | None = None,
        **options: Any,
    ) -> RolloutReport:
        """Give an arm the first share of its ramp.

        Args:
            task_type: Where.
            arm: Who ramps up; the config must know it.
            present: What runs now, and what a rollback restores; by default what the file holds.
            ramp: Increasing shares in percent.
            guardrails: What must not get worse.
            evidence: Findings that the configs carry.
            override: Reason for starting without enough evidence; logged.
            as_of: Date the config carries; by default the clock's day.
            options: `alpha`, `min_hours`, `overdue_s`, `expires_on` of `Rollout`.

        Raises:
            InputError: A rollout of this file is under way, or the ramp takes away from the arm.
            InvalidRoutingConfig: The present config has expired or does not know the arm.
            RetiredModel: The arm's model was switched off by its vendor.
            UnsafeProposal: The evidence does not support the arm, and no override was given.
        """
        self._refuse_second()
        baseline = load_config(self.path) if present is None else present
        now_us = self.clock.now_us()
        today = as_of or day_of(now_us)
        refuse_unshippable(baseline, self.catalog, today=today, arms=[arm], offline_too=True)
        for percent in ramp:
            ramped(present_weights(baseline, task_type), arm, percent)  # names the share that takes away
        rollout = Rollout.build(
            id=derived_id("rollout", baseline.hash, task_type, arm, now_us),
            task_type=task_type,
            arm=arm,
            baseline=baseline,
            ramp=tuple(ramp),
            guardrails=tuple(guardrails),
            evidence=tuple(evidence),
            override=override.strip(),
            **options,
        )
        first = self._made(rollout, baseline, rollout.percent, today)
        problems = unsupported(first, present=baseline)
        if problems and not override.strip():
            message = f"the evidence does not support the rollout: {'; '.join(problems)}"
            raise UnsafeProposal(message, hint="collect more, or pass override='the reason', which is logged")
        reason = f"the ramp starts at {rollout.percent} %"
        done = self._step(rollout, baseline, "rollout_started", first, now_us, today, self.author, reason)
        if done.percent == WHOLE:
            return self._finish(done, first, now_us, "the ramp has one step")
        return RolloutReport(rollout=done, action="rollout_started", reason=reason)

    def check(self, *, as_of: date | None = None) -> RolloutReport:
        """Look at what came in, and advance, hold or roll back. Made for a scheduler: looking often costs nothing.

        Calling it again without new outcomes changes nothing and logs nothing new.

        Args:
            as_of: Today, for the expiry; by default the clock's day.

        Raises:
            InputError: No rollout was started.
            LogError: The outcomes cannot be read now; nothing was changed.
        """
        rollout = self._settled()
        if not rollout.active:
            alert = rollout.status == "rolled_back"
            return RolloutReport(rollout=rollout, action="none", reason=last_step(rollout), alert=alert)
        now_us = self.clock.now_us()
        today = as_of or day_of(now_us)
        exposures = read_exposures(self.log, rollout, now_us=now_us)
        hours = (now_us - rollout.stage_since_us) / US_PER_HOUR
        said = judge(exposures, rollout.guardrails, alpha=rollout.alpha, hours=hours, min_hours=rollout.min_hours)
        seen: dict[str, Any] = {"readings": said.readings, "decisions": exposures.decisions}
        if said.action == "roll_back":
            return self._take_back(rollout, now_us, today, "check", said.reason, said, seen)
        blocked, alert = self._blocked(rollout, today)
        if said.action == "hold" or blocked:
            reason = "; ".join(filter(None, [blocked, said.reason if said.action == "hold" else ""]))
            self._log_hold(rollout, now_us, reason, said)
            alert = alert or said.mismatch is not None
            return RolloutReport(rollout=rollout, action="held", reason=reason, alert=alert, **seen)
        return self._advance(rollout, now_us, today, "ramped", "check", said.reason, said, seen)

    def promote(self, *, reason: str, as_of: date | None = None) -> RolloutReport:
        """Take the next step of the ramp by hand, whatever the guardrails say; the reason is logged.

        Raises:
            InputError: No rollout is under way, or no reason was given.
            InvalidRoutingConfig: The config has expired, or somebody else published another.
        """
        rollout = self._under_way(reason)
        now_us = self.clock.now_us()
        today = as_of or day_of(now_us)
        blocked, _ = self._blocked(rollout.model_copy(update={"status": "ramping"}), today)
        if blocked:
            raise InvalidRoutingConfig(blocked, hint="roll back, and start again from a config that may be ramped")
        return self._advance(rollout, now_us, today, "promoted", self.author, reason.strip(), None, {})

    def hold(self, *, reason: str) -> RolloutReport:
        """Stay at this share until `promote` or `rollback`; checks go on watching, and still roll back.

        Raises:
            InputError: No rollout is under way, or no reason was given.
        """
        rollout = self._under_way(reason)
        present = self._present()
        now_us = self.clock.now_us()
        done = self._step(
            rollout, present, "held", present, now_us, day_of(now_us), self.author, reason.strip(), status="held"
        )
        return RolloutReport(rollout=done, action="held", reason=reason.strip())

    def rollback(self, *, reason: str, as_of: date | None = None) -> RolloutReport:
        """Restore what ran before, now. Needs the plan alone: neither evidence nor a readable config.

        Raises:
            InputError: No rollout was started, or no reason was given.
        """
        if not reason.strip():
            raise InputError("reason == '', must say why", hint="it is logged with the step")
        rollout = load_rollout(self.path)
        now_us = self.clock.now_us()
        return self._take_back(rollout, now_us, as_of or day_of(now_us), self.author, reason.strip(), None, {})

    def history(self) -> RolloutHistory:
        """Every logged step, with the looks that held."""
        return rollout_history(self.log, self._settled().id)[0]
