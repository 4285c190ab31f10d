"""A world with known truth behind the Provider protocol, for tests, power studies and the `simulated` provider.

It exists so that every statistic can be held against a truth. It must not know routing, execution or the store.
"""

from bizq_lab.simulate.provider import SimulatedProvider
from bizq_lab.simulate.world import Drift, Outcome, Truth, World

__all__ = ["Drift", "Outcome", "SimulatedProvider", "Truth", "World"]
