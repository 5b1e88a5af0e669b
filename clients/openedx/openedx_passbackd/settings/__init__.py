"""What the platform's plugin machinery merges into its settings, a module a kind of settings."""
