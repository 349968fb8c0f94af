"""Steps from one schema to the next, run by ``schema``. Once released, a step is never edited."""
