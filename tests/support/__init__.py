"""Test helpers shared between rooms."""
