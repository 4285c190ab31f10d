"""A decision explains itself: each candidate, each constraint, each number, and nothing can break out of the table."""

from bizq_lab.core.snapshot import Health, Snapshot
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.routing import AITaskRouter
from tests.support.routing_catalog import MODELS, catalog

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def test_every_candidate_constraint_and_number_is_shown() -> None:
    snapshot = Snapshot(id="snap", health={"openai/small": Health(available=False)})
    decision = AITaskRouter(catalog()).route_task(
        Task(type="work.write"), RoutingContext(workspace_id="w", max_processing_time=7.0), snapshot=snapshot
    )
    text = decision.explain()
    for entry in MODELS:
        assert entry.key in text
    assert "openai/small: unavailable: its circuit is open" in text
    assert "local/tiny: deadline: predicted p95 (8, limit 7 s)" in text
    assert "because the test says so" in text
    assert "snapshot snap" in text
    assert "chosen" in text


def test_a_hostile_workspace_cannot_break_out() -> None:
    decision = AITaskRouter(catalog()).route_task(Task(type=HOSTILE), RoutingContext(workspace_id=HOSTILE))
    page = decision._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page + decision.explain()
