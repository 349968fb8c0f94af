"""Measures, never tested: rates, start-up, memory and hostile queries, beside other servers."""
