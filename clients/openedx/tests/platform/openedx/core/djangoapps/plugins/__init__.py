"""A substitute for the platform's package of this name."""
