"""What may be a cut point of RFM scores, in a parameters file and in an argument."""

import math
from itertools import pairwise

MEASURES = ("recency_days", "frequency", "monetary")
"""What RFM scores: days since the last purchase, purchase days, money."""


def cut_problem(measure: str, points: object) -> str | None:
    """What is wrong with the cut points of a measure, None when nothing is."""
    listed = (
        [float(point) for point in points if isinstance(point, int | float)] if isinstance(points, list | tuple) else []
    )
    increasing = all(low < high for low, high in pairwise(listed))
    if len(listed) != 4 or not increasing or not all(map(math.isfinite, listed)):
        return "it needs four increasing numbers, such as [30, 90, 180, 365]"
    if measure != "monetary" and any(point != int(point) for point in listed):
        return "days and purchases are whole numbers"
    least = {"recency_days": 0, "frequency": 1}.get(measure)
    if least is not None and listed[0] < least:
        return f"nobody lies at or below a cut under {least}"
    return None
