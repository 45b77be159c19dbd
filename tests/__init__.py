"""A package, so that ``tests.small_data`` is ours and not that of a namesake among the installed packages."""
