"""Competency frameworks as one knowledge graph: ontology, shapes, SPARQL and JSON. Holds no code itself."""
