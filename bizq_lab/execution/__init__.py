"""Execution that survives what providers do, and books every call. Must not know routing rules, DuckDB or figures."""

from bizq_lab.execution.cache import ResponseCache
from bizq_lab.execution.caps import Cap
from bizq_lab.execution.clock import SystemClock
from bizq_lab.execution.executor import ResilientExecutor
from bizq_lab.execution.health import BreakerSettings, HealthBook
from bizq_lab.execution.human_tasks import HumanDesk
from bizq_lab.execution.ledger import BudgetLedger
from bizq_lab.execution.limits import ModelLimits, catalog_limits
from bizq_lab.execution.providers.engine import local_engine_problem
from bizq_lab.execution.providers.registry import make_provider, provider_names
from bizq_lab.execution.retry import RetrySettings

__all__ = [
    "BreakerSettings",
    "BudgetLedger",
    "Cap",
    "HealthBook",
    "HumanDesk",
    "ModelLimits",
    "ResilientExecutor",
    "ResponseCache",
    "RetrySettings",
    "SystemClock",
    "catalog_limits",
    "local_engine_problem",
    "make_provider",
    "provider_names",
]
