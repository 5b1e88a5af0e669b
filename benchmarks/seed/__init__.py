"""
The design that passbackd replaces, as far as it takes part in passing on the score of a single problem.

A Celery task an outcome, Django's ORM, requests and requests-oauthlib, written from a description of its behaviour.
All modules but ``measure`` need the dependency group ``bench``; only processes of their own import them.
"""
