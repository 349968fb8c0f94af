"""The service over HTTP: one file for each group of paths. Parses no RDF, no SPARQL, no SQL."""
