from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bench.components.activations import KWinners
from bench.components.normalisations import ALPHA, ALPHA_RESCALED, CONSTANT, LRN, Constant
from bench.models import layers
from bench.models.layers import Dropout, Linear

UNIT_VARIANCE = 1e-4 * 127.5**2


def paper(a, alpha=1e-4, k=2.0, n=5, beta=0.75):
    """Krizhevsky et al. 2012, section 3.3, term by term: the sum runs from max(0, i - n/2) to min(N - 1, i + n/2)."""
    channels = a.shape[1]
    b = np.empty_like(a)
    for i in range(channels):
        total = np.zeros_like(a[:, 0])
        for j in range(max(0, i - n // 2), min(channels - 1, i + n // 2) + 1):
            total += a[:, j] ** 2
        b[:, i] = a[:, i] / (k + alpha * total) ** beta
    return b


def normal(*shape, scale=1.0, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * scale


CHANNELS = [1, 2, 3, 4, 5, 6, 16]
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("alpha", [ALPHA, ALPHA_RESCALED])
def test_lrn_is_the_papers_formula_written_as_loops(channels, alpha):
    a = normal(2, channels, 3, 4, scale=30)
    b = LRN(channels, alpha).double()(a)
    np.testing.assert_allclose(b, paper(a.numpy(), alpha), rtol=1e-12, atol=0)


@settings(deadline=None)
@given(shape=SHAPES, scale=st.sampled_from([1e-3, 1.0, 255.0]), seed=st.integers(0, 999), last=st.booleans())
def test_lrn_is_the_papers_formula_for_any_shape_scale_and_memory_format(shape, scale, seed, last):
    a = normal(*shape, scale=scale, seed=seed)
    laid_out = a.contiguous(memory_format=torch.channels_last) if last else a
    b = LRN(shape[1]).double()(laid_out)
    np.testing.assert_allclose(b, paper(a.numpy()), rtol=1e-12, atol=0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("alpha", [ALPHA, ALPHA_RESCALED, 0.3])
def test_lrns_hand_written_gradient_is_its_numerical_one(channels, alpha):
    a = normal(2, channels, 2, 3, scale=2).requires_grad_()
    assert torch.autograd.gradcheck(LRN(channels, alpha).double(), a)


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("channels", CHANNELS)
def test_lrn_in_float32_agrees_with_float64_forward_and_backward(channels, last):
    exact = normal(4, channels, 5, 6).requires_grad_()
    weights = normal(4, channels, 5, 6, seed=1)
    short = exact.detach().float()
    short = (short.contiguous(memory_format=torch.channels_last) if last else short).requires_grad_()
    slow, fast = LRN(channels, ALPHA_RESCALED).double()(exact), LRN(channels, ALPHA_RESCALED)(short)
    (slow * weights).sum().backward()
    (fast * weights.float()).sum().backward()
    torch.testing.assert_close(fast.double(), slow, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(short.grad.double(), exact.grad, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("channels", CHANNELS)
def test_pytorch_and_caffe_divide_alpha_by_the_neighbours(channels):
    a, theirs_a = (normal(2, channels, 4, 4, scale=50).requires_grad_() for _ in range(2))
    ours, theirs = LRN(channels).double()(a), torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)(theirs_a)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    weights = normal(2, channels, 4, 4, seed=2)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(a.grad, theirs_a.grad, rtol=1e-10, atol=1e-12)


def test_the_rescaled_lrn_is_the_papers_on_pixels_from_0_to_255_in_our_units():
    a = normal(2, 8, 3, 3)
    ours = LRN(8, ALPHA_RESCALED).double()(a)
    np.testing.assert_allclose(ours, paper(a.numpy() * 127.5) / 127.5, rtol=1e-12)
    assert ALPHA_RESCALED == UNIT_VARIANCE


def test_on_small_activations_lrn_is_the_constant():
    a = normal(2, 8, 3, 3)
    torch.testing.assert_close(LRN(8).double()(a), Constant()(a), rtol=2e-3, atol=0)
    assert CONSTANT == pytest.approx(0.5946, abs=5e-5)
    assert not torch.allclose(LRN(8, ALPHA_RESCALED).double()(a), Constant()(a), rtol=0.1)


def test_lrn_leaves_its_input_alone():
    a = normal(2, 6, 3, 3).requires_grad_()
    before = a.detach().clone()
    LRN(6).double()(a).sum().backward()
    assert torch.equal(a, before)


def test_lrn_computes_in_float32_under_autocast():
    a = normal(2, 6, 3, 3, scale=100).float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        b = LRN(6)(a)
        low = LRN(6)(a.bfloat16())
    assert (b.dtype, low.dtype) == (torch.float32, torch.bfloat16)
    assert torch.equal(low, LRN(6)(a.bfloat16().float()).bfloat16())
    torch.testing.assert_close(b, LRN(6)(a), rtol=0, atol=0)
    b.sum().backward()
    assert a.grad.dtype is torch.float32


def test_the_control_layers_hold_nothing_that_is_trained_or_saved():
    for layer in (LRN(8), Constant()):
        assert not list(layer.parameters())
        assert not layer.state_dict()


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_dropout_drops_a_share_p_and_scales_the_rest(p):
    torch.manual_seed(0)
    dropped = Dropout(p)(torch.ones(1000, 1001))
    share = (dropped == 0).double().mean().item()
    assert share == pytest.approx(p, abs=5 * (p * (1 - p) / dropped.numel()) ** 0.5)
    assert dropped[dropped != 0].unique().tolist() == pytest.approx([1 / (1 - p)], rel=1e-3)
    assert dropped.double().mean().item() == pytest.approx(1, abs=0.01)


def test_dropout_at_one_half_keeps_exactly_twice_a_unit():
    assert Dropout(0.5)(torch.ones(10_000)).unique().tolist() == [0, 2]


def test_dropouts_units_are_dropped_independently():
    """Among four units that share a random word, and over calls, all sixteen patterns are equally frequent."""
    torch.manual_seed(0)
    layer, units = Dropout(0.5), torch.ones(100_000, 4)
    is_kept = (layer(units) != 0).long()
    counts = (is_kept @ torch.tensor([1, 2, 4, 8])).bincount(minlength=16)
    expected = len(units) / 16
    assert ((counts - expected) ** 2 / expected).sum() < 15 + 5 * 30**0.5
    agreement = (is_kept == (layer(units) != 0)).double().mean().item()
    assert agreement == pytest.approx(0.5, abs=0.01)


def test_dropouts_gradient_passes_where_the_unit_was_kept():
    units = torch.full((7, 3), 2.0, requires_grad=True)
    dropped = Dropout(0.5)(units)
    dropped.sum().backward()
    assert torch.equal(units.grad, dropped.detach() / 2)


def test_dropout_repeats_from_the_global_seed_and_is_idle_in_eval_mode():
    layer, units = Dropout(0.5), torch.randn(13, 17)
    torch.manual_seed(3)
    output = layer(units)
    torch.manual_seed(3)
    assert torch.equal(layer(units), output)
    assert layer.eval()(units) is units


def linear(inputs, outputs):
    layer = Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(normal(outputs, inputs, seed=7))
        layer.bias.copy_(normal(outputs, seed=8))
    return layer


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_a_connected_layer_and_its_gradients_are_the_product_in_float64(batch, inputs, outputs, seed):
    layer = linear(inputs, outputs)
    x, gradient = (normal(batch, width, seed=seed).float().double() for width in (inputs, outputs))
    weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
    single = x.float().requires_grad_()
    y = layer(single)
    y.backward(gradient.float())
    for ours, exact in (
        (y, x @ weight.t() + bias),
        (single.grad, gradient @ weight),
        (layer.weight.grad, gradient.t() @ x),
        (layer.bias.grad, gradient.sum(0)),
    ):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-5)


def test_a_connected_layer_is_torchs_in_other_precisions():
    layer, x = linear(6, 4), normal(3, 6)
    torch.testing.assert_close(layer.double()(x), nn.functional.linear(x, layer.weight, layer.bias), rtol=0, atol=0)
    layer.float()
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x.float())
        torch.testing.assert_close(low, nn.functional.linear(x.float(), layer.weight, layer.bias), rtol=0, atol=0)
    assert low.dtype is torch.bfloat16


# k winners


def test_the_largest_responses_of_an_image_win_and_the_others_are_zero():
    responses = torch.tensor([[3.0, -1.0, 2.0, 0.5], [-4.0, -1.0, -2.0, -3.0]])
    expected = torch.tensor([[3.0, 0.0, 2.0, 0.0], [0.0, -1.0, -2.0, 0.0]])
    assert torch.equal(KWinners(0.5)(responses), expected)


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
def test_winners_are_chosen_over_all_channels_and_places_of_a_map(last):
    responses = normal(3, 4, 5, 6)
    laid_out = responses.contiguous(memory_format=torch.channels_last) if last else responses
    output = KWinners(0.1)(laid_out)
    for image, winners in zip(responses.flatten(1), output.flatten(1), strict=True):
        largest = image >= image.sort(descending=True).values[11]  # the twelfth of 120
        assert torch.equal(winners, torch.where(largest, image, 0.0))


def test_only_winners_pass_a_gradient_on():
    responses = torch.tensor([[3.0, -1.0, 2.0, 0.5]], requires_grad=True)
    KWinners(0.5)(responses).sum().backward()
    assert torch.equal(responses.grad, torch.tensor([[1.0, 0.0, 1.0, 0.0]]))


@pytest.mark.parametrize("active, count", [(1.0, 10), (0.25, 2), (0.001, 1)])
def test_at_least_one_unit_wins(active, count):
    assert (KWinners(active)(torch.arange(1.0, 11)[None]) != 0).sum() == count


# The private operator of oneDNN


def outputs_and_gradients(layer, inputs):
    inputs = inputs.clone().requires_grad_()
    layer.zero_grad()
    output = layer(inputs)
    output.square().sum().backward()
    return output.detach(), inputs.grad, layer.weight.grad.clone(), layer.bias.grad.clone()


@pytest.fixture
def layer():
    layer = Linear(12, 5)
    torch.nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    torch.nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(1))
    return layer


@pytest.mark.skipif(
    not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")),
    reason="this torch has no such operator",
)
def test_the_private_operator_is_used_where_it_is_present(layer, monkeypatch):
    calls = []
    product = layers._onednn_product
    assert product is torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr(layers, "_onednn_product", lambda *arguments: calls.append(arguments) or product(*arguments))
    outputs_and_gradients(layer, torch.ones(3, 12))
    assert len(calls) == 3  # forward, gradient of the input, gradient of the weights


def test_without_the_private_operator_torchs_own_layer_gives_the_same(layer, monkeypatch):
    inputs = torch.randn(7, 12, generator=torch.Generator().manual_seed(2))
    fast = outputs_and_gradients(layer, inputs)
    monkeypatch.setattr(layers, "_onednn_product", None)
    for ours, plain in zip(fast, outputs_and_gradients(layer, inputs), strict=True):
        torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("attribute", ["operator", "library"])
def test_a_torch_without_the_operator_or_without_onednn_has_no_product(attribute, monkeypatch):
    if attribute == "library":
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    else:
        monkeypatch.setattr(torch, "ops", SimpleNamespace(mkldnn=SimpleNamespace()))
    assert layers._find_onednn_product() is None
