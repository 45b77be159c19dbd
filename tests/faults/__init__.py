"""The fault matrix: hangs and kills put into a real stack, and what becomes of the week's forecast.

``make faults`` runs all of it and prints one table; ``test_faults.py`` is its subset of ``make test``.
"""
