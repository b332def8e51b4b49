from __future__ import annotations

import sys
from pathlib import Path

# Helper modules beside the tests, by their plain names.
sys.path.insert(0, str(Path(__file__).parent))
