"""Compares what two peers give for one batch, before either is timed."""

from __future__ import annotations

import math
from typing import Any

# The largest relative difference at which a peer still computes the same. Rounding in 32 bits leaves some 1e-6 of the largest
# logit, and in deep networks that normalise small batches some 1e-4; a forgotten layer, another padding or another epsilon
# change more than a hundredth.
TOLERANCE = 1e-3
# In 16 bits, of which 8 or 11 are of the mantissa, rounding alone does.
TOLERANCES = {"bf16": 5e-2, "f16": 2e-2}


def differences(found: dict[str, Any], reference: dict[str, Any]) -> dict[str, float]:
    """By what each answer differs, relative to the reference's: of the logits the largest difference over the largest
    logit, of loss and gradients' norm over the value itself. Infinite where one is no number, or missing."""
    apart = {"logits": relative(found["logits"], reference["logits"])}
    for name, words in (("loss", "loss"), ("gradient_norm", "gradients' norm")):
        one, other = found.get(name), reference.get(name)
        if one is not None or other is not None:
            apart[words] = relative([one], [other])
    return apart


def relative(found: list[float | None], reference: list[float | None]) -> float:
    """The largest difference over the largest magnitude of the reference."""
    numbers = [value for value in [*found, *reference] if value is not None and math.isfinite(value)]
    if len(found) != len(reference) or not reference or len(numbers) < 2 * len(reference):
        return math.inf
    apart = max(abs((a or 0.0) - (b or 0.0)) for a, b in zip(found, reference, strict=True))
    scale = max(abs(value or 0.0) for value in reference)
    return 0.0 if apart == 0 else apart / scale if scale else math.inf


def verdict(apart: dict[str, float], reference: str, precision: str = "f32") -> str:
    """Why a peer is not timed; nothing where it computes the same."""
    tolerance = TOLERANCES.get(precision, TOLERANCE)
    beyond = [f"{name} {difference:.1e}" for name, difference in apart.items() if not difference <= tolerance]
    if not beyond:
        return ""
    return (
        f"it was not timed, since it does not compute what {reference} does: relative differences beyond {tolerance:g} of "
        f"its {', '.join(beyond)}"
    )
