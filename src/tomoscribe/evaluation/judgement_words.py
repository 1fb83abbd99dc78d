"""What a judgement says in words: the same in the viewer, on the command line and in reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomoscribe.evaluation.judgement import Figures, Judgement

NO_CLICKS = "No accepted picks of this class here: there is nothing to judge by."


NOT_COMPUTED = "Nothing is computed yet where your picks are."


def left_out_of(judgement: Judgement) -> int:
    """Return how many picks are not counted, as nothing is computed yet where they are."""
    return sum(sample.known.not_computed for sample in judgement.samples)


def figures_text(figures: Figures) -> str:
    """Return figures in one line, as `F1 0.86 at 0.41 · 142 proposed · 18 of 20 found`."""
    at = f"{figures.threshold:.2g}"
    if not figures.clicks:
        return f"{figures.proposed} proposed at {at} · no accepted picks to judge by"
    found = f"{figures.proposed} proposed · {figures.found} of {figures.clicks} found"
    if figures.settled:
        return f"F1 {figures.f1:.2f} at {at} · {found}"
    return f"F1 at least {figures.f1:.2f} at {at} · {found} · {figures.open} not judged yet"


def best_text(judgement: Judgement) -> str:
    """Return where F1 is highest, empty where F1 is not known."""
    best = judgement.best
    return "" if best is None else f"best F1 {best.f1:.2f} at {best.threshold:.2g}"


def how_measured(judgement: Judgement) -> str:
    """Return how the figures were counted, in sentences for the user."""
    left_out = left_out_of(judgement)
    if not judgement.clicks:
        return NOT_COMPUTED if left_out else NO_CLICKS
    said = []
    if judgement.exact:
        said.append(
            "Precision, recall and F1 are counted in what you declared complete: there, every "
            "extra proposal is wrong."
        )
    else:
        said.append(
            "Nothing here is declared complete, so an extra proposal is not wrong but not judged "
            "yet: precision and F1 are the least they can be, while the F1 ≈ of a training guesses "
            "how many are right. Draw a complete region or patch for exact figures."
        )
    said += _about_training(judgement)
    if left_out:
        said.append(f"{_picks(left_out)} where nothing is computed yet: not counted.")
    lent = sum(sample.known.from_models for sample in judgement.samples)
    if lent:
        said.append(
            f"{_picks(lent)} accepted from proposals: they favour the checkpoint that made them."
        )
    return " ".join(said)


def _about_training(judgement: Judgement) -> list[str]:
    held = [sample.known.held_out for sample in judgement.samples]
    masks = [mask for mask in held if mask is not None]
    if len(masks) < len(held):
        return ["It is not known which of the picks the training saw; recall may flatter."]
    seen = sum(int((~mask).sum()) for mask in masks)
    if not seen:
        return ["The training never saw these picks."]
    return [f"The training saw {seen} of the {judgement.clicks} picks, so that recall flatters."]


def _picks(count: int) -> str:
    return "1 pick" if count == 1 else f"{count} picks"
