"""
Why a grade is where it is, in words that a support desk can pass on.

:mod:`daemon.why.gather` reads what is known; the rest is pure: :mod:`daemon.why.words` and :mod:`daemon.why.absent` put
it into words, :mod:`daemon.why.document` into JSON and :mod:`daemon.why.show` onto the screen.
"""
