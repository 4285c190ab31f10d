"""Questions asked of the log: `question(log, ...) -> Result`. Each has a module, its SQL is in the store.

It exists so that every answer carries its interval, its method and its reservations. It must not know how a task was
routed or executed: it meets them only in the log's schema.
"""

from bizq_lab.analysis.alerts import AlertRow, Alerts, alerts
from bizq_lab.analysis.compare import compare
from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.efficiency import Efficiency, EfficiencyRow, efficiency
from bizq_lab.analysis.evidence import evidence
from bizq_lab.analysis.performance import Performance, PerformanceRow, performance

__all__ = [
    "AlertRow",
    "Alerts",
    "Comparison",
    "ComparisonRow",
    "Efficiency",
    "EfficiencyRow",
    "Performance",
    "PerformanceRow",
    "alerts",
    "compare",
    "efficiency",
    "evidence",
    "performance",
]
