"""A sample LTI 1.3 platform on a real socket: token endpoint, scores, results and line items (LTI AGS 2.0)."""
