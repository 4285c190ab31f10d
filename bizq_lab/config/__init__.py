"""The routing config: arms, weights, evidence, and the hash that assigns. Must not know a log or a provider.

The loop closes through this file, never through an import. Only `files` writes to disk. A service embeds `Reader`
alone: importing this room needs pydantic and nothing else.
"""

from __future__ import annotations

from bizq_lab.config.assign import BUCKETS, bucket, pick
from bizq_lab.config.assigned import Assigned, assigned
from bizq_lab.config.canonical import canonical_bytes, file_bytes
from bizq_lab.config.diff import Change, diff
from bizq_lab.config.files import load_config, parse_config, save_config
from bizq_lab.config.parts import AdaptivePolicy, ArmSpec, EvidenceRow, ExperimentSpec, TaskRouting
from bizq_lab.config.published import json_schema
from bizq_lab.config.reader import Reader
from bizq_lab.config.schema import RoutingConfig
from bizq_lab.config.words import in_words
from bizq_lab.config.yaml_view import yaml_view

__all__ = [
    "BUCKETS",
    "AdaptivePolicy",
    "ArmSpec",
    "Assigned",
    "Change",
    "EvidenceRow",
    "ExperimentSpec",
    "Reader",
    "RoutingConfig",
    "TaskRouting",
    "assigned",
    "bucket",
    "canonical_bytes",
    "diff",
    "file_bytes",
    "in_words",
    "json_schema",
    "load_config",
    "parse_config",
    "pick",
    "save_config",
    "yaml_view",
]
