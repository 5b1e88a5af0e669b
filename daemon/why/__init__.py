"""
Why a grade is where it is, in words that a support desk can pass on.

:mod:`daemon.why.gather` reads what is known. The rest is pure: ``words``, ``waiting`` and ``absent`` put it into words,
``document`` into JSON and ``show`` onto the screen.
"""
