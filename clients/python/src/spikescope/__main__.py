"""`python -m spikescope`, where the console script is not on the path."""

import sys

from .cli.main import main

sys.exit(main())
