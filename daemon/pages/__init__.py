"""
The pages of the web port, for people: where a grade is, and how the daemons and the campuses fare.

``routes`` names every page, its handler and who may ask for it. A handler reads, through :mod:`models.queries` and
:mod:`daemon.why`, and a pure function of the same module makes HTML of that, with the elements of ``layout``. There are
no pages until a user exists (``passbackd web user add``).
"""
