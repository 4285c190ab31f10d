"""Providers behind core's `Provider`: each makes one call once. They must not know retries, budgets or logs."""
