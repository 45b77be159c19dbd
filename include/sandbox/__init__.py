"""A simulator of the demo's data providers: real recorded data as of a week, with faults on request.

Data engineers start it with ``python -m sandbox``; tests start it as a process. See docs/sandbox.md.
"""
