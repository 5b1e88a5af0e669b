"""The schema's history, in Tortoise's own format. Made with ``make migration``; never edited once released."""
