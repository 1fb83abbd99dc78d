"""The tomogram task from clicks to picks: training, checkpoints, live labels, bad data."""

from dataclasses import replace
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from tests.tasks.balls import DIAMETER, VOXEL_A, ball_centres, make_sample

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.picks.table import Pick, PickState
from tomoscribe.prediction.volume import predict_heatmap
from tomoscribe.project.model import ParticleClass, Region, Role, TrainingData
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.tasks.tomogram.module import TomogramModule

CPU = torch.device("cpu")
QUICK = TrainingSettings(precision="float32", width=8, batch=4, patch=32, max_steps=8)


def _build(data: TrainingData, settings: TrainingSettings = QUICK) -> TomogramModule:
    module = get_task("tomogram").build(data, settings, CPU)
    assert isinstance(module, TomogramModule)
    return module


def _step(module: TomogramModule) -> float:
    module.train()
    loss = module.training_step(None, 0)
    loss.backward()
    module.optimizer.step()
    module.optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


@pytest.fixture(scope="module")
def trained(balls: TrainingData) -> TomogramModule:
    """Return a training of 60 steps on the balls."""
    module = _build(balls, QUICK.model_copy(update={"max_steps": 60}))
    for _ in range(60):
        _step(module)
    module.evaluate()
    return module


def test_clicks_on_one_tomogram_pick_another(trained: TomogramModule, tmp_path: Path) -> None:
    volume = open_volume(make_sample(tmp_path, "other", 2).volume_path)
    predictor = trained.predictor()
    heatmap, grid = predict_heatmap(predictor, volume)
    found = predictor.decode(heatmap, grid, predictor.thresholds["ball"])[0]
    _, _, f1 = precision_recall_f1(found.zyx, ball_centres(2), DIAMETER / 2)
    assert f1 > 0.9


def test_no_two_picks_are_closer_than_half_a_diameter(trained: TomogramModule, balls) -> None:
    predictor = trained.predictor()
    heatmap, grid = predict_heatmap(predictor, open_volume(balls.samples[0].volume_path))
    zyx = predictor.decode(heatmap, grid)[0].zyx
    apart = np.linalg.norm(zyx[:, None] - zyx[None], axis=-1) + 1e9 * np.eye(len(zyx))
    assert len(zyx) > 10
    assert apart.min() >= 0.5 * DIAMETER


def test_evaluation_says_what_ranks_and_where_to_cut(trained: TomogramModule) -> None:
    evaluation = trained.evaluate()
    assert 0 < evaluation.score <= 1
    assert {"recall", "picks", "threshold"} <= evaluation.metrics.keys()
    assert trained.predictor().thresholds == evaluation.thresholds


def test_lightning_drives_it(balls: TrainingData, tmp_path: Path) -> None:
    module = _build(balls)
    trainer = lightning.Trainer(
        max_steps=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module)
    assert module.steps_done == 3


def test_same_seed_same_losses(balls: TrainingData) -> None:
    first, second = _build(balls), _build(balls)
    other = _build(balls, QUICK.model_copy(update={"seed": 1}))
    losses = [[_step(m) for _ in range(2)] for m in (first, second, other)]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_checkpoint_is_plain_and_resumes_to_the_same_loss(
    balls: TrainingData, tmp_path: Path
) -> None:
    module = _build(balls)
    for _ in range(3):
        _step(module)
    path = tmp_path / "checkpoint.pt"
    torch.save(module.checkpoint(), path)
    state = torch.load(path, weights_only=True)
    resumed = _build(balls, QUICK.model_copy(update={"seed": 5}))
    resumed.restore(state, weights_only=False)
    assert resumed.steps_done == 3
    assert _step(resumed) == _step(module)


def test_weights_alone_begin_a_new_schedule(trained: TomogramModule, balls) -> None:
    module = _build(balls)
    module.restore(trained.checkpoint(), weights_only=True)
    assert module.steps_done == 0
    for mine, theirs in zip(module.net.parameters(), trained.ema.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_loaded_checkpoint_predicts_as_the_training_did(
    trained: TomogramModule, balls: TrainingData, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({**trained.checkpoint(), "run": {"name": "extra"}}, path)
    loaded = get_task("tomogram").load(path, CPU)
    volume = open_volume(balls.samples[0].volume_path)
    ours, _ = predict_heatmap(trained.predictor(), volume)
    theirs, _ = predict_heatmap(loaded, volume)
    assert loaded.classes == balls.classes
    assert loaded.thresholds == trained.thresholds
    np.testing.assert_allclose(theirs, ours, atol=0.05)


def test_another_voxel_size_is_refused_with_what_to_do(trained: TomogramModule) -> None:
    volume = Volume("else.mrc", np.zeros((8, 8, 8), np.float32), 13.0)  # type: ignore[arg-type]
    with pytest.raises(TomoscribeError, match=r"13.*10.*resample"):
        trained.predictor().grid(volume)


def test_checkpoint_of_other_classes_cannot_be_continued(
    trained: TomogramModule, balls: TrainingData
) -> None:
    state = trained.checkpoint()
    state["classes"][0]["name"] = "cube"
    with pytest.raises(TomoscribeError, match="cube"):
        _build(balls).restore(state, weights_only=True)


def test_another_time_budget_goes_on_from_a_narrower_network(balls: TrainingData) -> None:
    narrow = _build(balls, QUICK.model_copy(update={"width": 4, "bin": 3}))
    _step(narrow)
    state = narrow.checkpoint()
    module = get_task("tomogram").build(balls, TrainingSettings(max_minutes=9), CPU, state)
    module.restore(state, weights_only=True)
    assert (module.plan["width"], module.plan["bin"]) == (4, 3)
    for mine, theirs in zip(module.net.parameters(), narrow.ema.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_what_the_user_sets_against_the_start_is_refused(balls: TrainingData) -> None:
    narrow = _build(balls, QUICK.model_copy(update={"width": 4}))
    state = narrow.checkpoint()
    wide = get_task("tomogram").build(balls, TrainingSettings(width=8), CPU, state)
    with pytest.raises(TomoscribeError, match=r"width 4.*8.*leave it to the plan"):
        wide.restore(state, weights_only=True)
    with pytest.raises(TomoscribeError, match="not a checkpoint"):
        get_task("tomogram").build(balls, TrainingSettings(), CPU, {"weights": 1})


def test_what_is_no_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.pt"
    path.write_text("hello")
    with pytest.raises(TomoscribeError, match="notes"):
        get_task("tomogram").load(path, CPU)
    torch.save({"weights": 1}, path)
    with pytest.raises(TomoscribeError, match="not a checkpoint"):
        get_task("tomogram").load(path, CPU)


def test_new_labels_are_taken_up_without_reading_volumes_again(
    balls: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _build(balls)
    before = module.set_data(balls)
    extra = Pick(77, (10.0, 10.0, 10.0), "ball", state=PickState.REJECTED)
    sample = replace(balls.samples[0], picks=(*balls.samples[0].picks, extra))
    monkeypatch.setattr(module, "_read", None)
    after = module.set_data(replace(balls, samples=(sample,), revision=1))
    assert (after.rejected, after.total) == (before.rejected + 1, before.total)
    assert np.isfinite(_step(module))


def test_a_tomogram_added_during_the_run_is_read(balls: TrainingData, tmp_path: Path) -> None:
    module = _build(balls)
    added = make_sample(tmp_path, "two", 2, clicks=5)
    status = module.set_data(replace(balls, samples=(*balls.samples, added)))
    assert status.total == 17
    assert np.isfinite(_step(module))


def test_tomograms_for_validation_are_judged_in_their_regions(
    trained: TomogramModule, balls: TrainingData, tmp_path: Path
) -> None:
    validate = make_sample(tmp_path, "val", 3, Role.VALIDATE)
    validate = replace(validate, regions=(Region((0, 0, 0), (99, 99, 99)),))
    module = _build(replace(balls, samples=(*balls.samples, validate)))
    module.restore(trained.checkpoint(), weights_only=True)
    evaluation = module.evaluate()
    assert evaluation.metrics["f1"] > 0.85
    assert evaluation.score == evaluation.metrics["f1"]


def test_two_classes_learn_a_map_each(balls: TrainingData) -> None:
    cut = [replace(p, class_name="other") if p.id > 8 else p for p in balls.samples[0].picks]
    data = TrainingData(
        (replace(balls.samples[0], picks=tuple(cut)),),
        (*balls.classes, ParticleClass("other", 150.0)),
    )
    module = _build(data)
    _step(module)
    evaluation = module.evaluate()
    assert set(evaluation.thresholds) == {"ball", "other"}
    assert "other/recall" in evaluation.metrics


@pytest.mark.parametrize("loss", ["hot-exclusion", "nnpu", "negative"])
def test_every_loss_learns(balls: TrainingData, loss: str) -> None:
    module = _build(balls, QUICK.model_copy(update={"loss": loss, "max_steps": 12}))
    losses = [_step(module) for _ in range(12)]
    assert np.mean(losses[-4:]) < np.mean(losses[:4])


def test_one_click_trains(balls: TrainingData) -> None:
    sample = replace(balls.samples[0], picks=balls.samples[0].picks[:1])
    module = _build(replace(balls, samples=(sample,)))
    assert np.isfinite(_step(module))
    assert 0 <= module.evaluate().thresholds["ball"] <= 1


def test_data_that_cannot_be_trained_on_are_one_sentence(
    balls: TrainingData, tmp_path: Path
) -> None:
    sample = balls.samples[0]
    other = replace(make_sample(tmp_path, "b", 2), voxel_size_A=VOXEL_A * 1.5)
    cases = {
        "no particle class": replace(balls, classes=()),
        "no pick of class 'ball'": replace(balls, samples=(replace(sample, picks=()),)),
        "role": replace(balls, samples=(replace(sample, role=Role.VALIDATE),)),
        "diameter": replace(balls, classes=(ParticleClass("ball", 0.0),)),
        "one voxel size": replace(balls, samples=(sample, other)),
    }
    for sentence, data in cases.items():
        with pytest.raises(TomoscribeError, match=sentence):
            _build(data)
