"""The `simulated` provider: answers as a world with known truth would. Never a model, never the network, never a wait."""
