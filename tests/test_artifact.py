import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
from pathlib import Path
import torch
from PIL import Image
from safetensors.torch import load_file
from bench.models.alexnet import AlexNet
from bench.spec.config import ModelConfig
record, weights, images = sys.argv[1:]
network = AlexNet(ModelConfig(**json.loads(Path(record).read_text())["job"]["model"])).eval()
network.load_state_dict(load_file(weights))
files = sorted(Path(images).glob("*/*.png"))
classes = sorted({file.parent.name for file in files})
pixels = torch.stack([torch.tensor(list(Image.open(file).convert("RGB").tobytes())) for file in files])
with torch.no_grad():
    answers = network(pixels.view(-1, 32, 32, 3).permute(0, 3, 1, 2) / 127.5 - 1).argmax(1)
right = sum(classes[a] == file.parent.name for a, file in zip(answers.tolist(), files))
print(json.dumps([right / len(files), len(set(answers.tolist()))]))
"""


def test_stored_weights_give_the_logged_accuracy(smoke, images):
    logged = {}
    for weights in (smoke.out / "trials").glob("*.safetensors"):
        record = json.loads(weights.with_suffix(".json").read_text())
        logged[weights] = record["points"][-1]["metrics"]["test/accuracy"]
    best = max(logged, key=logged.get)
    script = [sys.executable, "-c", SCRIPT, best.with_suffix(".json"), best, images / "test"]
    process = subprocess.run(script, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    accuracy, answers = json.loads(process.stdout)
    assert accuracy == logged[best]
    assert answers > 1, "a network that gives one answer to everything proves little"
