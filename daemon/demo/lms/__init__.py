"""A sample campus LMS on a real socket: it takes LTI 1.1 outcomes. The demo, the tests and the benchmarks share it."""
