"""Measures, never tested: rates side by side with a bare handler under the same server."""
