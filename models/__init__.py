"""The tables and every statement that changes them. Imports neither actors nor daemon."""
