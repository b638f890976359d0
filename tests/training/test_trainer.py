"""The training run: what it learns, how it goes on, what it leaves behind."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from transformers import AutoModelForCausalLM, AutoTokenizer

from w4s.errors import ConfigError, W4sError
from w4s.settings import to_toml
from w4s.training import attention
from w4s.training.dataset import examples, write_examples
from w4s.training.logs import StepLog, read_logs
from w4s.training.selfcheck import Unequal
from w4s.training.settings import Scheme, TrainConfig
from w4s.training.trainer import train
from w4s.types import Trajectory

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning"),
]


@pytest.fixture
def config(
    tmp_path: Path, make_model: Callable[..., Any], tokeniser: Any, make: Any, attempt: Any
) -> TrainConfig:
    """A tiny model and six episodes."""
    base = tmp_path / "base"
    make_model(dtype=torch.float32).save_pretrained(base)
    tokeniser.save_pretrained(base)
    episodes: list[Trajectory] = [
        make(
            [
                [attempt(f"plan {letter}", 0.8, 1.0), attempt("plan c", 0.2, 0.0)],
                [attempt(f"plan {letter}", 0.9, 1.0), attempt("plan d", 0.2, 0.0)],
            ],
            start=f"Write a workflow. {letter}",
        )
        for letter in "abcdef"
    ]
    write_examples(tmp_path / "examples.jsonl", [e for t in episodes for e in examples(t)])
    return TrainConfig.resolve(
        {
            "examples": tmp_path / "examples.jsonl",
            "model": str(base),
            "run": tmp_path / "run",
            "scheme": Scheme.FULL,
            "epochs": 2,
            "examples_per_step": 8,
            "learning_rate": 1e-3,
            "evaluation_share": 0.2,
            "evaluate_every": 2,
            "save_every": 2,
        }
    )


def losses(run: Path) -> list[float]:
    return [log.loss for log in read_logs(run)]


def test_a_run(config: TrainConfig) -> None:
    seen: list[StepLog] = []
    done = train(config, seen.append)

    logs = read_logs(config.run)
    assert seen == logs
    assert [log.step for log in logs] == list(range(1, done.steps + 1))
    assert (done.rows, done.held_out, done.too_long) == (20, 1, 0)
    assert done.agreement is not None
    assert done.agreement.loss < 1e-5
    assert logs[-1].loss < logs[0].loss
    assert logs[-1].evaluation is not None
    assert logs[0].tokens < logs[0].row_tokens
    assert logs[0].weight == pytest.approx(4 * math.exp(1 / 0.4) + 4)
    assert list((config.run / "tensorboard").glob("events*"))


def test_a_trained_model_is_a_plain_transformers_model(config: TrainConfig) -> None:
    done = train(config)
    model = AutoModelForCausalLM.from_pretrained(done.model)
    tokeniser = AutoTokenizer.from_pretrained(done.model)
    assert model.config._attn_implementation == "sdpa"
    ids = torch.tensor([tokeniser("plan a").input_ids])
    assert torch.isfinite(model(input_ids=ids).logits).all()
    assert "chat_template" in {p.stem for p in done.model.iterdir()}


def test_a_stopped_run_goes_on_to_the_same_losses(config: TrainConfig) -> None:
    class StoppedError(Exception):
        pass

    def stop(log: StepLog) -> None:
        if log.step == 3:  # one step behind the last checkpoint
            raise StoppedError

    whole = train(config.model_copy(update={"run": config.run.with_name("whole")}))
    with pytest.raises(StoppedError):
        train(config, stop)
    done = train(config)

    assert losses(config.run) == losses(config.run.with_name("whole"))
    mine = AutoModelForCausalLM.from_pretrained(done.model).state_dict()
    theirs = AutoModelForCausalLM.from_pretrained(whole.model).state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_a_finished_run_does_nothing_more(config: TrainConfig) -> None:
    train(config)
    before = losses(config.run)
    train(config)
    assert losses(config.run) == before


def test_a_run_does_not_go_on_with_other_data(config: TrainConfig) -> None:
    train(config)
    config.examples.write_text("".join(config.examples.read_text().splitlines(True)[:-1]))
    with pytest.raises(ConfigError, match="examples: other ones"):
        train(config)


def test_a_run_does_not_go_on_from_other_weights(
    config: TrainConfig, make_model: Callable[..., Any]
) -> None:
    train(config)
    other = make_model(dtype=torch.float32)
    with torch.no_grad():
        other.get_input_embeddings().weight += 0.1
    other.save_pretrained(config.model)
    with pytest.raises(ConfigError, match="weights: other ones"):
        train(config)


def test_a_refused_start_leaves_the_folder_free_for_better_settings(config: TrainConfig) -> None:
    with pytest.raises(ConfigError, match="longer than 3 tokens"):
        train(config.model_copy(update={"max_tokens": 3}))
    assert train(config).steps > 0


def test_a_folder_with_a_model_of_somebody_elses_is_left_alone(config: TrainConfig) -> None:
    (config.run / "model").mkdir(parents=True)
    (config.run / "model" / "mine.bin").write_text("mine")
    with pytest.raises(ConfigError, match="holds model, which no training made"):
        train(config)
    assert (config.run / "model" / "mine.bin").read_text() == "mine"


def test_only_older_checkpoints_are_removed(config: TrainConfig) -> None:
    def lay_beside(log: StepLog) -> None:
        if log.step == 2:  # the first checkpoint comes after this
            (config.run / "checkpoints" / "00000000-notes").mkdir(parents=True)

    train(config, lay_beside)
    names = {path.name for path in (config.run / "checkpoints").iterdir()}
    assert "00000000-notes" in names
    assert len(names) == 2


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_state(
    config: TrainConfig,
) -> None:
    lines = config.examples.read_text().splitlines(True)
    heavy = [json.dumps(json.loads(line) | {"weight": 1e39}) + "\n" for line in lines]
    config.examples.write_text("".join(heavy))
    with pytest.raises(W4sError, match="nothing more can be learned"):
        train(config.model_copy(update={"self_check": False}))
    assert not (config.run / "model").exists()
    assert not (config.run / "checkpoints").exists()


def test_lora_trains_the_adapter_alone(config: TrainConfig) -> None:
    lora = config.model_copy(update={"scheme": Scheme.LORA, "lora_rank": 4, "learning_rate": 1e-2})
    done = train(lora)

    assert done.adapter is not None
    assert (done.adapter / "adapter_model.safetensors").exists()
    assert losses(config.run)[-1] < losses(config.run)[0]
    base = AutoModelForCausalLM.from_pretrained(config.model).state_dict()
    merged = AutoModelForCausalLM.from_pretrained(done.model).state_dict()
    assert torch.equal(base["model.norm.weight"], merged["model.norm.weight"])
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(base[name], merged[name])


def test_the_adapter_on_the_base_is_the_merged_model(config: TrainConfig) -> None:
    peft = pytest.importorskip("peft")
    done = train(config.model_copy(update={"scheme": Scheme.LORA, "lora_rank": 4}))
    ids = torch.tensor([[5, 6, 7, 8]])
    base = AutoModelForCausalLM.from_pretrained(config.model)
    adapted = peft.PeftModel.from_pretrained(base, done.adapter)(input_ids=ids).logits
    merged = AutoModelForCausalLM.from_pretrained(done.model)(input_ids=ids).logits
    assert (adapted - merged).abs().max() < 1e-4


def test_the_loss_does_not_depend_on_how_a_step_is_divided(config: TrainConfig) -> None:
    """Trap: a loss that is normalised per pass grows with the number of passes."""
    small = config.model_copy(update={"run": config.run.with_name("small"), "tokens_per_pass": 40})
    train(config)
    train(small)
    assert losses(small.run) == pytest.approx(losses(config.run), rel=1e-5)
    lengths = [log.gradient for log in read_logs(small.run)]
    assert lengths == pytest.approx([log.gradient for log in read_logs(config.run)], rel=1e-3)


def test_checkpointing_changes_nothing(config: TrainConfig) -> None:
    other = config.model_copy(update={"run": config.run.with_name("kept"), "checkpointing": False})
    train(config)
    train(other)
    assert losses(other.run) == pytest.approx(losses(config.run), rel=1e-5)


def test_no_run_begins_with_wrong_attention(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: restarting positions without the right mask train without complaint."""

    def restarting_positions_alone(
        module: Any, q: Any, k: Any, v: Any, mask: Any, **rest: Any
    ) -> Any:
        out = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, scale=rest["scaling"], enable_gqa=True
        )
        return out.transpose(1, 2), None

    monkeypatch.setattr(attention, "trie_attention", restarting_positions_alone)
    with pytest.raises(Unequal, match="nothing was trained"):
        train(config)
    assert not (config.run / "model").exists()


def test_too_long_examples_are_counted(config: TrainConfig) -> None:
    lengths = [len(line) for line in config.examples.read_text().splitlines()]
    assert lengths
    done = train(config.model_copy(update={"max_tokens": 60}))
    assert done.too_long > 0
    with pytest.raises(ConfigError, match="longer than 10 tokens"):
        train(config.model_copy(update={"max_tokens": 10, "run": config.run.with_name("none")}))


def test_a_missing_data_set_says_what_to_do(config: TrainConfig) -> None:
    with pytest.raises(ConfigError, match="w4s dataset makes one"):
        train(config.model_copy(update={"examples": Path("nowhere.jsonl")}))


def test_the_settings_are_written_into_the_run(config: TrainConfig) -> None:
    train(config)
    text = (config.run / "config.toml").read_text()
    assert 'scheme = "full"' in text
    assert json.dumps(str(config.model)) in text


@pytest.mark.long
@pytest.mark.timeout(400)  # several processes import torch
def test_two_ranks_are_one_run(config: TrainConfig, tmp_path: Path) -> None:
    """A model sharded over two processes: exact gradients, and the losses of one process."""
    alone = config.model_copy(update={"run": tmp_path / "alone", "scheme": Scheme.LORA})
    both = alone.model_copy(update={"run": tmp_path / "both"})
    (tmp_path / "both.toml").write_text(to_toml(both.settings()))
    train(alone)
    script = str(Path(__file__).with_name("two_ranks.py"))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    subprocess.run(
        [*torchrun, script, str(tmp_path / "found.json"), str(tmp_path / "both.toml")],
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        timeout=300,
    )

    found = json.loads((tmp_path / "found.json").read_text())
    assert found["ranks"] == 2
    assert found["loss"] <= 1e-12
    assert found["gradient"] <= 1e-12
    assert losses(both.run) == pytest.approx(losses(alone.run), rel=1e-5)
    mine = AutoModelForCausalLM.from_pretrained(both.run / "model").state_dict()
    theirs = AutoModelForCausalLM.from_pretrained(alone.run / "model").state_dict()
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-5) for name in theirs)
    assert (both.run / "adapter" / "adapter_model.safetensors").exists()


@pytest.mark.long
@pytest.mark.timeout(400)  # several processes import torch
def test_a_killed_run_goes_on_to_the_same_losses(config: TrainConfig, tmp_path: Path) -> None:
    """kill -9 in the middle of a run, at whatever it is doing."""
    config = config.model_copy(update={"epochs": 40, "save_every": 5})
    killed = config.model_copy(update={"run": tmp_path / "killed"})
    (tmp_path / "killed.toml").write_text(to_toml(killed.settings()))
    program = (
        "import sys, pathlib, w4s.settings, w4s.training.settings as s, w4s.training.trainer as t;"
        "import torch; torch.set_num_threads(1);"
        "t.train(s.TrainConfig.resolve(w4s.settings.read_file(pathlib.Path(sys.argv[1]))))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "killed.toml")])
    while len(losses(killed.run)) < 12:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert 12 <= len(losses(killed.run)) < 80
    train(killed)
    train(config)
    assert losses(killed.run) == losses(config.run)
