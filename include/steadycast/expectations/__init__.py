"""One Great Expectations suite per gate, as functions of the settings, and how a gate runs them."""

from steadycast.expectations.running import Check, Finding, Outcome, Suite, expectation_classes, run_suites

__all__ = ["Check", "Finding", "Outcome", "Suite", "expectation_classes", "run_suites"]
