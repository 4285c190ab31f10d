"""From evidence to production: weights that are optimal within limits, and a file that production reads.

It exists so that what was learned is shipped with its reasons, or not at all. It must not know how tasks are routed or
executed: the loop closes through the file.
"""

from bizq_lab.tuning.frontier import BudgetFrontier, BudgetPoint
from bizq_lab.tuning.guardrails import GUARDRAILS, Guardrail
from bizq_lab.tuning.limit_change import LimitChange, LimitChangeRow
from bizq_lab.tuning.limits import Limits
from bizq_lab.tuning.program import Infeasible, Limit, Option, Problem, Solution
from bizq_lab.tuning.proof import Proof, ProofRow, prove
from bizq_lab.tuning.proposal import Proposal, ProposalRow, ShadowPrice
from bizq_lab.tuning.publish import publish
from bizq_lab.tuning.rollout import Rollouts
from bizq_lab.tuning.rollout_history import (
    RolloutGuardrails,
    RolloutHistory,
    RolloutList,
    rollout_history,
    rollouts,
)
from bizq_lab.tuning.rollout_report import RolloutReport
from bizq_lab.tuning.solver import solve
from bizq_lab.tuning.tune import tune

__all__ = [
    "GUARDRAILS",
    "BudgetFrontier",
    "BudgetPoint",
    "Guardrail",
    "Infeasible",
    "Limit",
    "LimitChange",
    "LimitChangeRow",
    "Limits",
    "Option",
    "Problem",
    "Proof",
    "ProofRow",
    "Proposal",
    "ProposalRow",
    "RolloutGuardrails",
    "RolloutHistory",
    "RolloutList",
    "RolloutReport",
    "Rollouts",
    "ShadowPrice",
    "Solution",
    "prove",
    "publish",
    "rollout_history",
    "rollouts",
    "solve",
    "tune",
]
