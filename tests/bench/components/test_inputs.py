import numpy as np
import torch

from bench.components.inputs import INPUTS
from bench.components.windows import normalised


def test_scaled_inputs_need_no_module():
    assert INPUTS["scaled"]() is None


def test_pixels_are_the_images_on_their_own_scale_less_the_mean():
    images = torch.randint(0, 256, (4, 5, 5, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    module, mean = INPUTS["pixels"](), np.array([100.0, 120.0, 90.5])
    module.mean.copy_(torch.from_numpy(mean).view(1, 3, 1, 1))
    expected = (images.numpy().astype(float) - mean).transpose(0, 3, 1, 2)
    inputs = normalised(images)
    outputs = module(inputs)
    np.testing.assert_allclose(outputs, expected, atol=1e-4)
    assert outputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(inputs, normalised(images))


def test_the_mean_is_stored_with_the_weights_and_never_trained():
    module = INPUTS["pixels"]()
    assert list(module.state_dict()) == ["mean"] and not list(module.parameters())
