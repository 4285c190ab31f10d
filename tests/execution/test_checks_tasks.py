"""The checks of every task type against answers a person wrote: good ones pass, empty and evasive ones do not."""

from __future__ import annotations

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.catalog.tasks import load_tasks
from bizq_lab.core.execution import ProviderReply, Usage
from bizq_lab.execution.checks import is_acceptable, run_checks, share_passed

CATALOG = load_catalog()
TASKS = {task.key: task for kind in CATALOG.task_types if kind != "default" for task in load_tasks(kind)}
REFERENCE = {
    "blog-01": "Great coffee at home begins with fresh beans, ground just before you brew.",
    "blog-14": "All it takes to save your favourite jeans is a strong thread, a needle and a quiet evening.",
    "product-01": "The Lumo Desk Lamp has three brightness levels for every mood and a USB port for your phone.",
    "product-14": "The leakproof Swift Bottle keeps drinks cold from breakfast to the last meeting.",
    "social-02": "No shipping fees on Friday: enjoy free delivery on everything! #FreeFriday",
    "social-05": "Brighten up: every lamp is 20% off until Monday. #LampSale",
    "seo-01": "Handmade Leather Bags That Last a Lifetime",
    "seo-11": "Watch Repair You Can Trust",
    "inquiry-01": "Your parcel is with you after three days.",
    "inquiry-08": "Yes, we gladly ship to Spain.",
    "return-01": "Approve: it was bought 10 days ago and is unused.",
    "return-02": "Deny, because 45 days is more than the policy allows.",
    "order-01": "For order 5120, pack 3 lamps.",
    "order-07": "Order 3391: pack 1 sofa.",
    "trend-01": "Linen shirts are trending.",
    "trend-11": "The trend is wireless headphones.",
    "report-01": "February was best with 150 sales.",
    "report-13": "The third quarter led with sales of 470.",
    "campaign-01": "Good morning, early risers: Sunrise Tea is 15 percent off with code SUN15.",
    "campaign-14": "Students, your first bag is on us: join the Coffee Club with code BEANS.",
}
WRONG = {
    "blog-01": "Tea is best in the evening.",
    "product-01": "A lamp with three brightness levels and a USB port.",
    "social-02": "Free delivery on Friday! #Free",
    "seo-01": "Handmade leather bags, leather belts, leather wallets and many other goods of leather",
    "inquiry-08": "Sorry, we do not ship to Spain.",
    "return-02": "Approve, it is unused.",
    "order-01": "For order 5120, pack 30 lamps.",
    "trend-01": "Linen shirts and wool hats are trending.",
    "report-01": "January was best with 120 sales; February had 150.",
    "campaign-01": "Sunrise Tea is 15 percent off.",
}


def _reply(text: str) -> ProviderReply:
    return ProviderReply(text=text, finish_reason="stop", served_model="m", usage=Usage(), response_time_s=0.1)


@pytest.mark.parametrize("key", REFERENCE)
def test_an_answer_a_person_would_accept_passes_every_check(key: str) -> None:
    task = TASKS[key]
    checks = run_checks(CATALOG.task_types[task.type], task, _reply(REFERENCE[key]))
    assert [check for check in checks if not check.passed] == []
    assert share_passed(checks) == 1.0


@pytest.mark.parametrize("key", WRONG)
def test_an_answer_that_is_wrong_in_one_point_is_rejected(key: str) -> None:
    task = TASKS[key]
    checks = run_checks(CATALOG.task_types[task.type], task, _reply(WRONG[key]))
    assert not is_acceptable(checks)
    quality = share_passed(checks)
    assert quality is not None
    assert 0.0 < quality < 1.0


def test_every_type_has_reference_answers() -> None:
    assert {TASKS[key].type for key in REFERENCE} == {TASKS[key].type for key in WRONG}
    assert {TASKS[key].type for key in REFERENCE} == set(CATALOG.task_types) - {"default"}


@pytest.mark.parametrize("text", ["", "   \n", "I'm sorry, but I can't help with that."])
def test_no_task_at_all_accepts_silence_or_a_refusal(text: str) -> None:
    accepted = [
        key
        for key, task in TASKS.items()
        if is_acceptable(run_checks(CATALOG.task_types[task.type], task, _reply(text)))
    ]
    assert accepted == []
