"""Questions asked of the log: `question(log, ...) -> Result`. Each has a module, its SQL is in the store.

It exists so that every answer carries its interval, its method and its reservations. It must not know how a task was
executed: it meets that only in the log's schema. `what_if` and `evaluate` alone route, the tasks of the log once more.
"""

from bizq_lab.analysis.acceptability import Acceptability, AcceptabilityRow, acceptability
from bizq_lab.analysis.alerts import AlertRow, Alerts, alerts
from bizq_lab.analysis.compare import compare
from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.cost_change import CostChange, cost_change
from bizq_lab.analysis.day_by_day import DayByDay, DayRow, day_by_day
from bizq_lab.analysis.efficiency import Efficiency, EfficiencyRow, efficiency
from bizq_lab.analysis.evaluate import evaluate
from bizq_lab.analysis.evaluation import Evaluation, EvaluationRow
from bizq_lab.analysis.evidence import evidence
from bizq_lab.analysis.happenings import Happening, Happenings, happenings
from bizq_lab.analysis.movement import Movement, MovementRow, movement
from bizq_lab.analysis.performance import Performance, PerformanceRow, performance
from bizq_lab.analysis.watch import LookRow, Watch, looks, take_look
from bizq_lab.analysis.what_if import WhatIf, WhatIfRow, what_if

__all__ = [
    "Acceptability",
    "AcceptabilityRow",
    "AlertRow",
    "Alerts",
    "Comparison",
    "ComparisonRow",
    "CostChange",
    "DayByDay",
    "DayRow",
    "Efficiency",
    "EfficiencyRow",
    "Evaluation",
    "EvaluationRow",
    "Happening",
    "Happenings",
    "LookRow",
    "Movement",
    "MovementRow",
    "Performance",
    "PerformanceRow",
    "Watch",
    "WhatIf",
    "WhatIfRow",
    "acceptability",
    "alerts",
    "compare",
    "cost_change",
    "day_by_day",
    "efficiency",
    "evaluate",
    "evidence",
    "happenings",
    "looks",
    "movement",
    "performance",
    "take_look",
    "what_if",
]
