"""Simulations with known truth: does a 95 % interval cover 95 % of the time?

`python -m tests.calibration.study` prints the whole table (2,000 replications and more); the suite runs a reduced one.
"""
