import numpy as np
import pytest
from image_folders import without_margin

from bench.data import datasets, image_folder
from bench.data.source import locate
from bench.spec.errors import InputError


def test_digits_are_1797_images_split_by_class(digits):
    splits = without_margin(digits)
    (train, labels), (validation, validation_labels), (test, test_labels) = splits.values()
    assert len(train) + len(validation) + len(test) == 1797
    assert (digits.data.train, digits.validation, digits.test) == (len(train), len(validation), len(test))
    assert digits.classes == tuple("0123456789")
    shares = np.bincount(test_labels) / sum(map(np.bincount, (labels, validation_labels, test_labels)))
    assert (np.abs(shares - 0.5) < 0.01).all()
    assert np.array_equal(train[..., 0], train[..., 1])
    assert np.array_equal(train[..., 0], train[..., 2])
    assert (train.min(), train.max()) == (0, 255)
    assert "stand-in" in digits.note
    assert "mirror" in digits.note


def test_cifar10_on_disk_is_used_without_the_network(offline, tmp_path):
    assert not datasets.cifar10_available()
    (tmp_path / "empty/torchvision/cifar-10-batches-py").mkdir(parents=True)
    offline.clear()
    assert datasets.cifar10_available()
    assert not offline


@pytest.mark.parametrize("cache", [None, "", "relative"])
def test_a_user_without_a_home_has_digits_or_is_refused_in_one_line(out, tmp_path, monkeypatch, cache):
    """A cache that is no absolute path does not count."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if cache is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it returns without a home
    assert "there is no home folder" in locate("auto", out).note
    with pytest.raises(InputError, match="name a cache by XDG_CACHE_HOME"):
        locate("cifar10", out)


@pytest.mark.usefixtures("obeyed")
def test_a_home_that_may_not_be_read_holds_no_cifar10(offline, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir(0)
    assert not datasets.cifar10_available()
    (tmp_path / "empty").chmod(0o755)


def test_a_download_that_fails_is_refused_in_one_line(monkeypatch, out):
    def fail(*_, **__):
        raise RuntimeError("Dataset not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.CIFAR10", fail)
    with pytest.raises(InputError, match="could not be downloaded") as refusal:
        locate("cifar10", out)
    assert "\n" not in str(refusal.value)


def test_a_declared_data_set_is_located_by_its_name(images, out, monkeypatch):
    monkeypatch.setitem(datasets.DATASETS, "animals", None)  # so that the declaration is undone afterwards
    datasets.dataset("animals", title="Animals", note="Of noise.")(image_folder.open_folder(images).decode)
    source = locate("animals", out)
    assert (source.data.name, source.note, source.test) == ("Animals", "Of noise.", 12)


def test_an_unknown_name_lists_those_that_are_declared(out):
    with pytest.raises(InputError, match="there is no folder cifar: expected 'auto', 'digits', 'cifar10' or a folder"):
        locate("cifar", out)
