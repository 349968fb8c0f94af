"""Competency frameworks as one knowledge graph. Holds no code itself."""
