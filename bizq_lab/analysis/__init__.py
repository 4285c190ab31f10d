"""Questions asked of the log: `question(log, ...) -> Result`. Each has a module, its SQL is in the store.

It exists so that every answer carries its interval, its method and its reservations. It must not know how a task was
executed: it meets that only in the log's schema. `what_if` and `evaluate` alone route, the tasks of the log once more.
"""

from bizq_lab.analysis.acceptability import Acceptability, AcceptabilityRow, acceptability
from bizq_lab.analysis.alerts import AlertRow, Alerts, alerts
from bizq_lab.analysis.check import ChangeRow, Check, check
from bizq_lab.analysis.compare import compare
from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.cost_change import CostChange, cost_change
from bizq_lab.analysis.day_by_day import DayByDay, DayRow, day_by_day
from bizq_lab.analysis.drift import Drift, DriftRow, drift
from bizq_lab.analysis.efficiency import efficiency
from bizq_lab.analysis.evaluate import evaluate
from bizq_lab.analysis.evaluation import Evaluation, EvaluationRow
from bizq_lab.analysis.evidence import evidence
from bizq_lab.analysis.happenings import Happening, Happenings, happenings
from bizq_lab.analysis.health_by_day import HealthByDay, HealthDay, health_by_day
from bizq_lab.analysis.model_health import HealthRow, ModelHealth, model_health
from bizq_lab.analysis.movement import Movement, MovementRow, movement
from bizq_lab.analysis.ordering import Efficiency, EfficiencyRow
from bizq_lab.analysis.performance import Performance, PerformanceRow, performance
from bizq_lab.analysis.recommendation import ModelPerformance, ModelRecommendation, recommend
from bizq_lab.analysis.served_models import ServedModels, ServedRow, served_models
from bizq_lab.analysis.today import Today, TodayRow, today
from bizq_lab.analysis.watch import LookRow, Watch, looks, take_look
from bizq_lab.analysis.what_if import WhatIf, WhatIfRow, what_if

__all__ = [
    "Acceptability",
    "AcceptabilityRow",
    "AlertRow",
    "Alerts",
    "ChangeRow",
    "Check",
    "Comparison",
    "ComparisonRow",
    "CostChange",
    "DayByDay",
    "DayRow",
    "Drift",
    "DriftRow",
    "Efficiency",
    "EfficiencyRow",
    "Evaluation",
    "EvaluationRow",
    "Happening",
    "Happenings",
    "HealthByDay",
    "HealthDay",
    "HealthRow",
    "LookRow",
    "ModelHealth",
    "ModelPerformance",
    "ModelRecommendation",
    "Movement",
    "MovementRow",
    "Performance",
    "PerformanceRow",
    "ServedModels",
    "ServedRow",
    "Today",
    "TodayRow",
    "Watch",
    "WhatIf",
    "WhatIfRow",
    "acceptability",
    "alerts",
    "check",
    "compare",
    "cost_change",
    "day_by_day",
    "drift",
    "efficiency",
    "evaluate",
    "evidence",
    "happenings",
    "health_by_day",
    "looks",
    "model_health",
    "movement",
    "performance",
    "recommend",
    "served_models",
    "take_look",
    "today",
    "what_if",
]
