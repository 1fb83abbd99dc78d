from qtpy.QtGui import QFont, QFontMetrics
from qtpy.QtWidgets import QApplication

from tomoscribe.ui.compare.checkpoint_picker import shortened

TEXT = "step 107, F1 ≈ 0.91 of 2026-11-27_membrane_001"


def test_of_a_long_choice_figures_and_the_end_of_the_run_stay(qapp: QApplication) -> None:
    metrics = QFontMetrics(QFont())
    room = metrics.horizontalAdvance("step 107, F1 ≈ 0.91 of …brane_001")
    text = shortened(TEXT, metrics, room)
    assert text.startswith("step 107, F1 ≈ 0.91 of …")
    assert text.endswith("_001")
    assert metrics.horizontalAdvance(text) <= room
    assert shortened(TEXT, metrics, 10_000) == TEXT
