"""The loss of a trie is the loss of its conversations, to the last digits, gradients too."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from w4s.training.attention import Kernel, Layout, plain_attention, use_trie_attention
from w4s.training.loss import Scorer, causal
from w4s.training.trie import build, join
from w4s.training.weights import add_lora, checkpoint_layers

TOLERANCE = 1e-12


def gradients(model: Any) -> Any:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def compare(model: Any, rows: list[Any], one_by_one: Callable[..., Any], **options: Any) -> None:
    use_trie_attention(causal(model))
    scorer = Scorer(model, head_rows=7, **options).train()
    loss = scorer(build(rows))
    loss.backward()
    mine = gradients(model)
    model.zero_grad()
    with plain_attention(causal(model)):
        expected = one_by_one(model, rows)
        expected.backward()
    theirs = gradients(model)
    assert mine.abs().max() > 0
    assert abs(loss - expected).item() <= TOLERANCE * expected.item()
    assert (mine - theirs).norm().item() <= TOLERANCE * theirs.norm().item()


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("duplicates", [False, True])
@pytest.mark.usefixtures("exact")
def test_exact(
    turns: int,
    duplicates: bool,
    make_model: Callable[..., Any],
    make_rows: Callable[..., Any],
    one_by_one: Callable[..., Any],
) -> None:
    compare(make_model(), make_rows(turns, 4, turns, duplicates), one_by_one)


@pytest.mark.usefixtures("exact")
def test_exact_with_very_unequal_lengths(
    make_model: Callable[..., Any], make_rows: Callable[..., Any], one_by_one: Callable[..., Any]
) -> None:
    compare(make_model(), make_rows(2, 5, 3, size=60), one_by_one)


@pytest.mark.usefixtures("exact")
def test_exact_with_a_head_of_its_own(
    make_model: Callable[..., Any], make_rows: Callable[..., Any], one_by_one: Callable[..., Any]
) -> None:
    compare(make_model(tie_word_embeddings=False), make_rows(2), one_by_one)


@pytest.mark.usefixtures("exact")
def test_exact_with_gradient_checkpointing(
    make_model: Callable[..., Any], make_rows: Callable[..., Any], one_by_one: Callable[..., Any]
) -> None:
    model = make_model()
    checkpoint_layers(model)
    compare(model, make_rows(2), one_by_one)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.usefixtures("exact")
def test_exact_with_lora(
    checkpointing: bool,
    make_model: Callable[..., Any],
    make_rows: Callable[..., Any],
    one_by_one: Callable[..., Any],
) -> None:
    model = add_lora(make_model(), rank=4, alpha=8).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:  # zero at first, which would hide half of the gradient
                parameter.normal_(0.0, 0.2, generator=torch.Generator().manual_seed(1))
    if checkpointing:
        checkpoint_layers(model)
    compare(model, make_rows(2), one_by_one)


@pytest.mark.usefixtures("exact")
def test_exact_side_by_side(
    make_model: Callable[..., Any], make_rows: Callable[..., Any], one_by_one: Callable[..., Any]
) -> None:
    """Several episodes in one pass: restarting positions alone would mix them (trap)."""
    model = make_model()
    use_trie_attention(model)
    episodes = [make_rows(2, seed=s) for s in range(3)]
    together = Scorer(model)(join([build(rows) for rows in episodes]))
    with plain_attention(model):
        apart = sum(one_by_one(model, rows) for rows in episodes)
    assert abs(together - apart).item() <= TOLERANCE * apart.item()


@pytest.mark.usefixtures("exact")
def test_a_pass_with_nothing_to_predict_still_has_gradients(
    make_model: Callable[..., Any], make_rows: Callable[..., Any]
) -> None:
    from w4s.training.tokens import Row

    model = make_model()
    use_trie_attention(model)
    row = make_rows()[0]
    loss = Scorer(model)(build([Row(row.ids, row.trained & False, 0.0, row.prompt)]))
    loss.backward()
    assert loss.item() == 0.0
    assert gradients(model).abs().max() == 0


def test_single_precision_inside_the_model_is_why_the_patch_is_needed(
    make_model: Callable[..., Any], make_rows: Callable[..., Any], one_by_one: Callable[..., Any]
) -> None:
    """Trap: RMSNorm and RoPE run in float32 even in a float64 model."""
    with pytest.raises(AssertionError):
        compare(make_model(), make_rows(2), one_by_one)


def test_causal_attention_is_aligned_at_the_end(make_rows: Callable[..., Any]) -> None:
    """Trap: `is_causal` with fewer queries than keys lets the first query see one key only."""
    trie = build(make_rows(2))
    layout = Layout(trie, torch.device("cpu"), Kernel.SDPA)
    assert layout.masks
    for (queries, keys), mask in layout.masks.items():
        assert mask[-1].all()
        assert mask[0].sum() == keys - queries + 1


def test_a_boolean_mask_under_eager_attention_is_silently_wrong(
    make_model: Callable[..., Any], make_rows: Callable[..., Any]
) -> None:
    """Trap: why trie attention is a function of its own and hands no mask to the model."""
    model = make_model(attn_implementation="eager")
    ids = torch.as_tensor(make_rows()[0].ids)[None]
    mask = torch.ones(1, 1, ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    right = model(input_ids=ids).logits
    wrong = model(input_ids=ids, attention_mask=mask).logits
    assert (right - wrong).abs().max() > 1e-3


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_flex_mask_is_the_paths(
    make_model: Callable[..., Any], make_rows: Callable[..., Any]
) -> None:
    """FlexAttention computes forward on CPU, so that its mask can be held against SDPA."""
    model = make_model(dtype=torch.float32, hidden_size=64)
    use_trie_attention(model)
    trie = build(make_rows(2))
    with torch.no_grad():
        by_segment = Scorer(model, kernel=Kernel.SDPA)(trie)
        by_mask = Scorer(model, kernel=Kernel.FLEX)(trie)
    assert by_mask.item() == pytest.approx(by_segment.item(), rel=1e-5)


def test_the_gathered_form_of_variable_length_kernels(
    make_model: Callable[..., Any], make_rows: Callable[..., Any]
) -> None:
    """What the CUDA kernel is given: keys gathered per segment, aligned at the end."""
    trie = build(make_rows(2))
    form = Layout(trie, torch.device("cpu"), Kernel.VARLEN).gathered
    assert form.query_offsets[-1] == trie.tokens
    for number, segment in enumerate(trie.segments):
        keys = form.keys_k[form.key_offsets[number] : form.key_offsets[number + 1]].tolist()
        last = segment.end - 1
        assert keys == [k for k in range(trie.tokens) if k <= last < trie.subtree_end_n[k]]


def test_attention_with_a_window_is_refused(make_model: Callable[..., Any]) -> None:
    from w4s.errors import ConfigError

    model = make_model(use_sliding_window=True, sliding_window=4, max_window_layers=0)
    with pytest.raises(ConfigError, match="full attention"):
        use_trie_attention(model)
