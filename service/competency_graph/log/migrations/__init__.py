"""Steps from one schema to the next, run by ``opening``. Once released, a step is never edited."""
