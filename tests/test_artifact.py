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
from bench.model import AlexNet
from bench.spec import Model
record, weights, images = sys.argv[1:]
network = AlexNet(Model(**json.loads(Path(record).read_text())["job"]["model"])).eval()
network.load_state_dict(load_file(weights))
files = sorted(Path(images).glob("*/*.png"))
classes = sorted({file.parent.name for file in files})
pixels = torch.stack([torch.tensor(list(Image.open(file).convert("RGB").tobytes())) for file in files])
with torch.no_grad():
    answers = network(pixels.view(-1, 32, 32, 3).permute(0, 3, 1, 2) / 127.5 - 1).argmax(1)
right = sum(classes[a] == file.parent.name for a, file in zip(answers.tolist(), files))
print(json.dumps([right / len(files), len(set(answers.tolist()))]))
"""


def test_kept_weights_give_the_logged_accuracy_in_anybodys_hands(smoke, images):
    answers = set()
    for weights in sorted((smoke.out / "trials").glob("*.safetensors")):
        record = weights.with_suffix(".json")
        script = [sys.executable, "-c", SCRIPT, record, weights, images / "test"]
        done = subprocess.run(script, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        accuracy, given = json.loads(done.stdout)
        assert accuracy == json.loads(record.read_text())["points"][-1]["metrics"]["test/accuracy"]
        answers.add(given)
    assert max(answers) > 1, "networks that give one answer to everything prove little"
