"""The training run: load, check, step, evaluate, save.

In: a TrainConfig. Out: a folder with the trained model, its logs, and checkpoints from which the
same call goes on to the same losses. The weights of the examples, the tree and the loss are made
elsewhere; this is the loop.

    RUN/train.jsonl     a record per step, and to the trackers (RUN/tensorboard)
    RUN/checkpoints     the newest state
    RUN/adapter         LoRA: the adapter alone
    RUN/model           the whole model, merged
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from w4s.errors import ConfigError, Interrupted, W4sError
from w4s.models.checkpoints import find_checkpoint, weights_digest
from w4s.store import CONFIG, RunFolder
from w4s.training import checkpoints, selfcheck
from w4s.training.attention import use_trie_attention
from w4s.training.batches import Size, Step, plan_steps
from w4s.training.dataset import find_examples, groups, read_examples
from w4s.training.logs import Logs, StepLog
from w4s.training.loss import Scorer, causal
from w4s.training.optimiser import make_optimiser, rate, set_rate
from w4s.training.ranks import Ranks, join_ranks, whole
from w4s.training.settings import Scheme, TrainConfig
from w4s.training.tokens import Row, Tokenised, Tokeniser
from w4s.training.trie import Trie, build, join
from w4s.training.weights import (
    add_lora,
    checkpoint_layers,
    load_model,
    load_tokeniser,
    save_model,
    trainable,
)

Watch = Callable[[StepLog], None]
"""Called after every step, in the process that writes."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a run."""

    model: Path
    """The whole model, as a folder."""
    adapter: Path | None
    steps: int
    rows: int
    """Examples trained on."""
    held_out: int
    """Episodes kept for evaluation."""
    too_long: int
    """Examples left out because they exceed the limit."""
    agreement: selfcheck.Agreement | None
    """Of trie and plain computation; None when the check was switched off or already passed."""


def train(
    config: TrainConfig,
    watch: Watch | None = None,
    *,
    device: str | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train, or go on with the run in the config's folder.

    Once `stop` says so in any of the ranks, the step under way is finished and kept, and
    Interrupted is raised. W4sError when the loss is no longer a number."""
    tokeniser = load_tokeniser(config.model)
    with join_ranks(device) as ranks, _held(config, ranks) as bind:
        model = load_model(config.model, config.scheme, ranks.device)
        data = _tokenise(config, tokeniser, model)
        run = _Run(config, ranks, model, tokeniser, data)
        bind()  # now that nothing is wrong with the settings
        return run.go(watch, stop)


class _Run:
    """One run in one process."""

    def __init__(
        self, config: TrainConfig, ranks: Ranks, model: Any, tokeniser: Any, data: Tokenised
    ) -> None:
        self._config, self._ranks, self._tokeniser = config, ranks, tokeniser
        self._data = data
        self._train, self._held_out = _split(data.episodes, config)
        self._tries = [build(rows) for rows in self._train]
        self._watched = [build(rows) for rows in self._held_out]
        self._steps = plan_steps(
            [_size(trie, model.config.hidden_size) for trie in self._tries],
            epochs=config.epochs,
            rows_per_step=config.examples_per_step,
            tokens_per_pass=config.tokens_per_pass,
            ranks=ranks.count,
            seed=config.seed,
        )
        self._model = _prepared(model, config)
        self._scorer = Scorer(self._model).train()

    def go(self, watch: Watch | None, stop: Callable[[], bool]) -> Trained:
        config, run = self._config, self._config.run
        done = checkpoints.newest(run) or 0
        agreement = self._check() if config.self_check and not done else None
        self._ranks.shard(self._scorer)
        optimiser = make_optimiser(
            trainable(self._scorer).values(),
            config.scheme,
            learning_rate=config.peak,
            weight_decay=config.weight_decay,
        )
        if done:
            checkpoints.load(run, done, self._scorer, optimiser)
        with self._logs(done) if self._ranks.first else nullcontext() as logs:
            for number in range(done, len(self._steps)):
                log = self._step(number, optimiser)
                if logs is not None:
                    logs.write(log)
                    if watch is not None:
                        watch(log)
                ending = self._ranks.sum(float(stop())) > 0
                if ending or self._due(number + 1, config.save_every):
                    checkpoints.save(run, number + 1, self._scorer, optimiser)
                if ending and number + 1 < len(self._steps):
                    raise Interrupted("stopped; the same command goes on from here")
        return self._saved(agreement)

    def _logs(self, done: int) -> Logs:
        return Logs(self._config.run, done, self._config.track, self._config.settings())

    def _check(self) -> selfcheck.Agreement:
        """Both ways on the smallest episode of the first step."""
        first = min(self._steps[0].tries, key=lambda n: self._tries[n].row_tokens)
        with _precision(self._config.scheme, self._ranks.device):
            return selfcheck.check(self._scorer, self._train[first])

    def _step(self, number: int, optimiser: Any) -> StepLog:
        config, step, begun = self._config, self._steps[number], time.perf_counter()
        tries = [self._tries[n] for n in step.tries]
        weight = sum(trie.weight for trie in tries)
        loss = self._backward(step, weight)
        gradient = whole(
            torch.nn.utils.clip_grad_norm_(trainable(self._scorer).values(), config.clip)
        )
        if not (math.isfinite(loss) and math.isfinite(gradient)):
            raise W4sError(
                f"step {number + 1}: loss {loss:g}, gradient {gradient:g}, so nothing more can be"
                " learned; try a lower --learning-rate, or a higher --temperature of w4s dataset,"
                " with a new folder for --run"
            )
        learning_rate = rate(number, len(self._steps), peak=config.peak, warm_up=config.warm_up)
        set_rate(optimiser, learning_rate)
        optimiser.step()
        optimiser.zero_grad()
        return StepLog(
            number + 1,
            len(self._steps),
            step.epoch,
            loss,
            gradient,
            learning_rate,
            weight,
            sum(trie.tokens for trie in tries),
            sum(trie.row_tokens for trie in tries),
            round(time.perf_counter() - begun, 3),
            self._evaluate() if self._due(number + 1, config.evaluate_every) else None,
        )

    def _backward(self, step: Step, weight: float) -> float:
        """Gradients of the step's loss; returns the loss. Passes and ranks add up to exactly the
        loss over all rows, because each is divided by the weight of the whole step."""
        total = 0.0
        for members in step.passes[self._ranks.rank]:
            with _precision(self._config.scheme, self._ranks.device):
                part = self._scorer(self._trie(members)) / weight
            # FSDP takes the mean over the ranks where the loss is a sum.
            (part * self._ranks.count).backward()
            total += float(part.detach())
        return self._ranks.sum(total)

    def _trie(self, members: Sequence[int]) -> Trie:
        """The tries of a pass side by side; for a rank that has none, tokens without a loss."""
        if members:
            return join([self._tries[n] for n in members])
        row = self._train[0][0]
        return build([Row(row.ids[:2], row.trained[:2] & False, 0.0, 2)])

    def _evaluate(self) -> float | None:
        if not self._watched:
            return None
        self._scorer.eval()
        total = 0.0
        with torch.no_grad(), _precision(self._config.scheme, self._ranks.device):
            for trie in self._watched:
                total += float(self._scorer(trie))
        self._scorer.train()
        return total / sum(trie.weight for trie in self._watched)

    def _due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == len(self._steps)

    def _saved(self, agreement: selfcheck.Agreement | None) -> Trained:
        run, lora = self._config.run, self._config.scheme is Scheme.LORA
        model = self._unsharded()
        if self._ranks.first:
            if lora:
                checkpoints.write_folder(
                    run / "adapter",
                    lambda folder: save_model(model, self._tokeniser, folder, merged=False),
                )
            checkpoints.write_folder(
                run / "model", lambda folder: save_model(model, self._tokeniser, folder)
            )
        self._ranks.wait()
        return Trained(
            run / "model",
            run / "adapter" if lora else None,
            len(self._steps),
            sum(len(rows) for rows in self._train),
            len(self._held_out),
            self._data.too_long,
            agreement,
        )

    def _unsharded(self) -> Any:
        """The trained model in one piece, in the process that writes."""
        if self._ranks.count == 1:
            return self._model
        weights = checkpoints.whole_weights(self._scorer)
        if not self._ranks.first:
            return None
        place = torch.device("cpu")
        model = _prepared(load_model(self._config.model, self._config.scheme, place), self._config)
        Scorer(model).load_state_dict(weights, strict=False)
        return model


@contextmanager
def _held(config: TrainConfig, ranks: Ranks) -> Iterator[Callable[[], object]]:
    """Hold the run's folder; one process does it for all. Yields what binds the folder to these
    settings, this data and these weights, which it is refused for at once if it has others."""
    if not ranks.first:
        yield lambda: None
        return
    with RunFolder(config.run) as folder:
        _refuse_strange(folder.path)
        facts = {
            "examples": _digest(find_examples(config.examples)),
            "weights": weights_digest(find_checkpoint(config.model)),
        }
        folder.refuse_others(config, facts)
        yield lambda: folder.settle(config, facts)


def _refuse_strange(run: Path) -> None:
    """A run replaces its model and its older checkpoints, and nobody else's."""
    strange = [name for name in ("model", "adapter", "checkpoints") if (run / name).exists()]
    if strange and not (run / CONFIG).exists():
        raise ConfigError(
            f"{run} holds {strange[0]}, which no training made; choose a new folder with --run"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _tokenise(config: TrainConfig, tokeniser: Any, model: Any) -> Tokenised:
    path = find_examples(config.examples)
    limit = min(config.max_tokens or 10**9, model.config.max_position_embeddings)
    reader = Tokeniser(tokeniser, limit, config.scope, config.source)
    data = reader.rows(groups(read_examples(path)))
    if not data.episodes:
        reason = f"all {data.too_long} are longer than {limit} tokens" if data.too_long else "empty"
        raise ConfigError(f"no examples to train on in {path}: {reason}")
    return data


def _split(
    episodes: Sequence[tuple[Row, ...]], config: TrainConfig
) -> tuple[list[tuple[Row, ...]], list[tuple[Row, ...]]]:
    """Hold out every k-th episode, whole: rows of one episode share most of their text."""
    count = round(len(episodes) * config.evaluation_share)
    held_out = {round((k + 0.5) * len(episodes) / count) for k in range(count)} if count else set()
    return (
        [rows for n, rows in enumerate(episodes) if n not in held_out],
        [rows for n, rows in enumerate(episodes) if n in held_out],
    )


def _prepared(model: Any, config: TrainConfig) -> Any:
    if config.scheme is Scheme.LORA:
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            model = add_lora(model, rank=config.lora_rank, alpha=2 * config.lora_rank)
    use_trie_attention(causal(model))
    if config.checkpointing:
        checkpoint_layers(model)
    return model


def _size(trie: Trie, width: int) -> Size:
    """Per token a layer computes some 24 width² operations, per query-key pair 4 width."""
    return Size(trie.rows, trie.tokens, trie.tokens + trie.attention / (6 * width))


@contextmanager
def _precision(scheme: Scheme, device: torch.device) -> Iterator[None]:
    """Half-precision compute over single-precision weights, where the scheme says so."""
    if scheme is Scheme.FULL_8BIT and device.type == "cuda":
        with torch.autocast("cuda", torch.bfloat16):
            yield
    else:
        yield
