"""How findings are mended: proposals in words and statements, and where and how in a text.

Judges nothing and changes nothing.
"""

from competency_graph.mending.locating import Texts, in_order, located
from competency_graph.mending.repairs import mended
from competency_graph.mending.surroundings import Surroundings

__all__ = ["Surroundings", "Texts", "in_order", "located", "mended"]
