"""The membrane task from clicks to picks: training, checkpoints, live labels, bad data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tasks.sheets import DIAMETER_A, HALF, height, membrane, sheet_sample, sites

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.membrane import Membrane
from tomoscribe.membranes.slab import Slab
from tomoscribe.nets.losses import hot_exclusion
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.picks.table import JUNK, Pick, PickState
from tomoscribe.project.model import ParticleClass, Patch, Role, TrainingData
from tomoscribe.tasks.base import Block, Focus, FoundPicks, Predictor
from tomoscribe.tasks.membrane import local
from tomoscribe.tasks.membrane.classes import choose_classes
from tomoscribe.tasks.membrane.module import MembraneModule
from tomoscribe.tasks.membrane.settings import MembraneSettings
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

CPU = torch.device("cpu")
QUICK = TrainingSettings(max_steps=40, batch=8, width=16)
KNOB = ParticleClass("knob", DIAMETER_A)
WIDE = ParticleClass("wide", DIAMETER_A)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all tests of this module write sheets to."""
    return tmp_path_factory.mktemp("sheets")


@pytest.fixture(scope="module")
def sheets(folder: Path) -> TrainingData:
    """Return two sheets to train on and one to validate on."""
    samples = (
        sheet_sample(folder, 1),
        sheet_sample(folder, 2),
        sheet_sample(folder, 3, Role.VALIDATE),
    )
    return TrainingData(samples, (KNOB,))


def build(data: TrainingData, settings: TrainingSettings = QUICK) -> MembraneModule:
    """Return a training of the task."""
    module = get_task("membrane").build(data, settings, CPU)
    assert isinstance(module, MembraneModule)
    return module


def step(module: MembraneModule) -> float:
    """Make a step and return its loss."""
    module.train()
    loss = module.training_step(None, 0)
    module.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    module.optimizer.step()
    return float(loss.detach())


def found_on(predictor: Predictor, subject: Membrane) -> list[FoundPicks]:
    """Return the picks of each class on a membrane, at the chosen thresholds."""
    grid = predictor.grid(subject)
    scores = np.concatenate([b.scores for b in predictor.blocks(subject)], axis=-1)
    picks = predictor.decode(scores, grid, 0.0)
    keep = [p.scores >= predictor.thresholds[p.class_name] for p in picks]
    return [
        FoundPicks(p.class_name, p.zyx[k], p.scores[k], p.normals_zyx[k])
        for p, k in zip(picks, keep, strict=True)
    ]


@pytest.fixture(scope="module")
def trained(sheets: TrainingData) -> MembraneModule:
    """Return a training of 40 steps."""
    module = build(sheets)
    for _ in range(40):
        step(module)
    module.evaluate()
    return module


def test_clicks_on_two_membranes_pick_another(trained: MembraneModule) -> None:
    found = found_on(trained.predictor(), membrane(4))[0]
    assert precision_recall_f1(found.zyx, sites(4, 21)[:14], 4.0)[2] >= 0.9


def test_picks_carry_outward_normals_of_their_face(trained: MembraneModule) -> None:
    found = found_on(trained.predictor(), membrane(4))[0]
    assert found.normals_zyx is not None
    np.testing.assert_allclose(np.linalg.norm(found.normals_zyx, axis=1), 1, atol=1e-6)
    assert (found.normals_zyx[:, 2] > 0.8).all()


def test_nothing_is_found_on_the_face_without_particles(trained: MembraneModule) -> None:
    found = found_on(trained.predictor(), membrane(4))[0]
    middle = height(found.zyx[:, 0], found.zyx[:, 1])
    assert (found.zyx[:, 2] > middle).all()


def test_a_checkpoint_predicts_without_being_told_anything(
    trained: MembraneModule, tmp_path: Path
) -> None:
    torch.save(trained.checkpoint(), tmp_path / "step.pt")
    loaded = get_task("membrane").load(tmp_path / "step.pt", CPU)
    assert loaded.thresholds == trained.thresholds
    subject = membrane(4)
    for mine, theirs in zip(
        trained.predictor().blocks(subject), loaded.blocks(subject), strict=True
    ):
        np.testing.assert_allclose(mine.scores, theirs.scores, atol=1e-5)


def test_a_training_resumes_where_it_was(sheets: TrainingData) -> None:
    whole, first = build(sheets), build(sheets)
    for _ in range(3):
        step(whole)
        step(first)
    second = build(sheets)
    second.restore(first.checkpoint(), weights_only=False)
    assert step(second) == pytest.approx(step(whole), rel=1e-4)


def test_same_seed_same_curve(sheets: TrainingData) -> None:
    one, other = build(sheets), build(sheets)
    assert [step(one) for _ in range(3)] == [step(other) for _ in range(3)]


def test_another_voxel_size_is_refused_with_advice(trained: MembraneModule) -> None:
    wrong = replace(membrane(4), voxel_size_A=12.0)
    with pytest.raises(TomoscribeError, match="12 Å, but the checkpoint was trained on 10 Å"):
        trained.predictor().grid(wrong)


def test_a_band_that_is_not_in_the_file_is_refused_with_advice(trained: MembraneModule) -> None:
    subject = membrane(4)
    narrow = np.abs(subject.slab.depths_A) <= 25
    cut = Slab(subject.slab.values[:, narrow], subject.slab.depths_A[narrow])
    with pytest.raises(TomoscribeError, match="give the tomogram"):
        trained.predictor().grid(replace(subject, slab=cut))


def test_the_band_follows_the_clicks(trained: MembraneModule) -> None:
    assert trained.plan["band_high_A"] >= 50
    assert "clicks" in trained.reasons["band_high_A"]


def test_new_clicks_are_taken_over_while_it_trains(folder: Path) -> None:
    validate = sheet_sample(folder, 3, Role.VALIDATE)
    few = TrainingData((sheet_sample(folder, 1, clicks=4), validate), (KNOB,))
    module = build(few)
    assert module.set_data(few).used == 4
    more = replace(few, samples=(sheet_sample(folder, 1), validate), revision=1)
    assert module.set_data(more).used == 14
    assert np.isfinite(step(module))


def test_classes_that_change_leave_the_old_labels(sheets: TrainingData) -> None:
    module = build(sheets)
    with pytest.raises(TomoscribeError, match="classes changed"):
        module.set_data(replace(sheets, classes=(KNOB, WIDE)))
    assert np.isfinite(step(module))


def test_two_classes_get_a_map_each(folder: Path) -> None:
    samples = tuple(
        sheet_sample(folder, seed, role, wide=True)
        for seed, role in ((1, Role.TRAIN), (2, Role.TRAIN), (3, Role.VALIDATE))
    )
    module = build(TrainingData(samples, (KNOB, WIDE)), QUICK.model_copy(update={"max_steps": 60}))
    for _ in range(60):
        step(module)
    module.evaluate()
    knobs, wide = found_on(module.predictor(), membrane(4))
    places = sites(4, 21)
    assert precision_recall_f1(knobs.zyx, places[:14], 4.0)[2] >= 0.8
    assert precision_recall_f1(wide.zyx, places[14:], 4.0)[2] >= 0.7


def test_tokens_choose_the_class(folder: Path) -> None:
    sample = sheet_sample(folder, 1, wide=True)
    settings = QUICK.model_copy(update={"membrane": MembraneSettings(position_tokens=["wide"])})
    module = build(TrainingData((sample,), (KNOB, WIDE)), settings)
    assert [c.name for c in module.classes] == ["wide"]


def test_tokens_are_numbers_of_star_files_too(folder: Path) -> None:
    sample = sheet_sample(folder, 1, wide=True)
    data = TrainingData((sample,), (KNOB, WIDE))
    settings = TrainingSettings(membrane=MembraneSettings(position_tokens=["2"]))
    assert [c.name for c in choose_classes(data, settings).classes] == ["wide"]
    named = replace(data, classes=(replace(KNOB, name="class_7"), replace(WIDE, name="class_2")))
    assert [c.name for c in choose_classes(named, settings).classes] == ["class_2"]
    other = TrainingSettings(membrane=MembraneSettings(position_tokens=["wide", "5"]))
    with pytest.raises(
        TomoscribeError, match=r"names 5, but the classes are knob \(1\), wide \(2\)"
    ):
        choose_classes(data, other)


def test_what_is_ignored_gives_no_gradient(folder: Path) -> None:
    """Held-out clicks, what is off the surface and what a chart's rim cannot know."""
    module = build(TrainingData((sheet_sample(folder, 1),), (KNOB,)))
    charts = [m for m in module._membranes.values() if isinstance(m, local.LocalMembrane)]
    generator = torch.Generator().manual_seed(0)
    _, labels = local.draw_batch(charts, module._plan, np.random.default_rng(0), generator)
    logits = torch.zeros_like(labels.target).requires_grad_()
    hot_exclusion(logits, labels, 0.0).backward()
    assert logits.grad is not None
    assert (logits.grad[labels.ignored] == 0).all()
    assert (logits.grad[~labels.ignored] != 0).any()
    held = module._labels[0].points[0].held_out
    (resident,) = charts
    around = resident.prepared.distances_A(held, 0.4 * DIAMETER_A) < np.inf
    assert resident._labels[2].numpy()[around].all()


def test_bands_are_moved_while_training_only(folder: Path) -> None:
    moves = MembraneSettings(slab_shift_A=20.0, slab_stretch=0.1, slab_jitter_A=5.0)
    module = build(
        TrainingData((sheet_sample(folder, 1),), (KNOB,)),
        QUICK.model_copy(update={"membrane": moves}),
    )
    plan = module._plan
    (resident,) = module._membranes.values()
    prepared = resident.prepared
    wide = torch.from_numpy(prepared.profiles(plan, local.training_depths_A(plan)))
    pixels = wide[:16].T.reshape(1, -1, 4, 4)
    generator = torch.Generator().manual_seed(0)
    still = local.sample_band(pixels, plan, generator, augment=False)
    expected = prepared.profiles(plan)[:16].T.reshape(1, -1, 4, 4)
    np.testing.assert_allclose(still, expected, atol=1e-4)
    moved = local.sample_band(pixels, plan, generator, augment=True)
    assert float((moved - still).abs().max()) > 0.1


def test_what_is_looked_at_comes_first(
    trained: MembraneModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, subject = trained.predictor(), membrane(4)
    whole = np.concatenate([b.scores for b in predictor.blocks(subject)], axis=-1)
    monkeypatch.setattr(local, "_MOST_VERTICES", 1000)
    vertices = subject.mesh.vertices_zyx
    z, y, x = (float(v) for v in vertices[2500])
    focus = Focus((z, y, x), (z - 1, y - 1, x - 1), (z + 1, y + 1, x + 1))
    blocks = list(predictor.blocks(subject, focus))
    starts = [block.lo_zyx[2] for block in blocks]
    assert starts[0] == 2000
    assert sorted(starts) == list(range(0, len(vertices), 1000))
    joined = np.concatenate([b.scores for b in sorted(blocks, key=_first)], axis=-1)
    # Other charts cover the ranges, so that scores agree as far as the network does not mind.
    assert np.corrcoef(joined.ravel(), whole.ravel())[0, 1] > 0.9


def _first(block: Block) -> int:
    return block.lo_zyx[2]


def test_held_out_and_unlabelled_places_are_told_apart(folder: Path) -> None:
    """Held-out clicks must give no gradient; rejected picks weigh more than the unlabelled."""
    sample = sheet_sample(folder, 1)
    picks = tuple(replace(p, state=PickState.REJECTED) if p.id == 14 else p for p in sample.picks)
    module = build(TrainingData((replace(sample, picks=picks),), (KNOB,)))
    (resident,) = module._membranes.values()
    target, negative, ignored = (part.numpy()[:, 0] for part in resident._labels)
    prepared = resident.prepared
    labels = module._labels[0].points[0]
    held = prepared.vertices_at(labels.held_out)
    assert len(held) == 3
    assert ignored[held].all()
    assert (target[held] < 0.5).all()
    rejected = prepared.vertices_at(labels.rejected)
    assert (negative[rejected] > 1).all()
    below = prepared.membrane.mesh.vertices_zyx[:, 2] < height(
        *prepared.membrane.mesh.vertices_zyx[:, :2].T
    )
    assert (target[below] < 0.3).all()


def test_junk_weighs_against_every_class_and_is_drawn(folder: Path) -> None:
    sample = sheet_sample(folder, 1)
    spot = sample.picks[0]
    wide = [replace(p, class_name="wide") if p.id % 2 else p for p in sample.picks[2:]]
    junk = Pick(99, spot.zyx, JUNK, state=PickState.REJECTED, membrane=spot.membrane)
    data = TrainingData((replace(sample, picks=(junk, *wide)),), (KNOB, WIDE))
    module = build(data)
    status = module.status()
    assert (status.rejected, status.used + status.held_out) == (1, len(wide))
    (resident,) = module._membranes.values()
    target, negative, _ = (part.numpy() for part in resident._labels)
    (vertex,) = resident.prepared.vertices_at(np.array([spot.zyx]))
    assert negative[vertex].tolist() == [4.0, 4.0]
    assert target[vertex].max() < 0.1
    assert np.isfinite(step(module))
    without = build(TrainingData((replace(sample, picks=tuple(wide)),), (KNOB, WIDE)))
    (plain,) = without._membranes.values()
    assert isinstance(resident, local.LocalMembrane)
    assert isinstance(plain, local.LocalMembrane)
    assert resident.weights.sum() > plain.weights.sum()


def test_a_complete_patch_is_judged_exactly(folder: Path) -> None:
    middle = (40.0, 40.0, float(height(np.array(40.0), np.array(40.0)) + HALF))
    patch = Patch("sheet3", middle, 60.0)
    data = TrainingData(
        (sheet_sample(folder, 1), sheet_sample(folder, 3, Role.VALIDATE, patches=(patch,))), (KNOB,)
    )
    module = build(data)
    for _ in range(20):
        step(module)
    evaluation = module.evaluate()
    assert evaluation is not None
    assert {"f1", "precision", "recall"} <= evaluation.metrics.keys()


def test_diffusionnet_learns_and_its_checkpoint_predicts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path))
    settings = TrainingSettings(
        max_steps=6,
        batch=2,
        membrane=MembraneSettings(
            architecture="diffusionnet", k_eig=16, n_block=1, mean_shift_loss=True
        ),
    )
    data = TrainingData((sheet_sample(folder, 1), sheet_sample(folder, 3, Role.VALIDATE)), (KNOB,))
    module = build(data, settings)
    losses = [step(module) for _ in range(6)]
    assert losses[-1] < losses[0]
    torch.save(module.checkpoint(), tmp_path / "step.pt")
    loaded = get_task("membrane").load(tmp_path / "step.pt", CPU)
    subject = membrane(4)
    (mine,), (theirs,) = (list(p.blocks(subject)) for p in (module.predictor(), loaded))
    assert mine.scores.shape == (1, 1, 1, len(subject.mesh.vertices_zyx))
    np.testing.assert_allclose(mine.scores, theirs.scores, atol=1e-5)


def test_no_clicks_is_a_sentence(folder: Path) -> None:
    with pytest.raises(TomoscribeError, match="no pick of class 'knob' in the membranes"):
        build(TrainingData((sheet_sample(folder, 1, clicks=0),), (KNOB,)))
