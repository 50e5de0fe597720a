import os

import torch

from bench.system.process_settings import keep_process_settings


def test_settings_that_code_changes_are_restored(tmp_path):
    folder, threads, flags = os.getcwd(), torch.get_num_threads(), torch.backends.cudnn.benchmark
    with keep_process_settings():
        os.chdir(tmp_path)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.set_num_threads(threads + 1)
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = not flags
    assert (os.getcwd(), torch.get_num_threads(), torch.backends.cudnn.benchmark) == (folder, threads, flags)
    assert torch.zeros(1).dtype == torch.float32 and torch.zeros(1).device.type == "cpu"
    assert torch.is_grad_enabled() and not torch.are_deterministic_algorithms_enabled()
