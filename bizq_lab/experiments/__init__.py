"""Plan, run, read and deploy a comparison. Must execute only through the Runner that the lab passes in."""

from __future__ import annotations

from bizq_lab.experiments.listing import ExperimentList, experiments
from bizq_lab.experiments.plan import ExperimentPlan
from bizq_lab.experiments.tester import ModelABTester

__all__ = ["ExperimentList", "ExperimentPlan", "ModelABTester", "experiments"]
