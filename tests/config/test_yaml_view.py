"""The YAML view says exactly what the JSON says."""

import json
from datetime import date

import yaml

from bizq_lab.config import ArmSpec, RoutingConfig, canonical_bytes, yaml_view

CONFIG = RoutingConfig(
    catalog="no",
    catalog_version="1e3",
    as_of=date(2026, 11, 24),
    arms={"a: [1]": ArmSpec(model="openai/gpt-6-luna")},
    tasks={"order.process_batch": {"weights": {"a: [1]": 10, "default": 90}}},
)


def test_the_view_reads_back_as_the_same_document() -> None:
    """Names such as `no`, `1e3` and `a: [1]` are what YAML gets wrong when it is written by hand."""
    assert yaml.safe_load(yaml_view(CONFIG)) == json.loads(canonical_bytes(CONFIG))


def test_the_view_names_the_config_it_is_a_view_of() -> None:
    assert CONFIG.hash in yaml_view(CONFIG).splitlines()[0]
