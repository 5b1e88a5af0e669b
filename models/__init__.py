"""What we know: the tables and every statement that changes them. Imports nothing of ours."""
