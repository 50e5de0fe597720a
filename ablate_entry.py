"""Entry point of the installed `ablate`: takes the ablate.py beside this file, not a user's own on PYTHONPATH."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ablate import main as main

del sys.path[0]
