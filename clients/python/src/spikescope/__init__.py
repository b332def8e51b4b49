"""Telemetry of a training job for Spikescope.

run = spikescope.init(project="pretrain-7b", config=config)
run.watch(model, optimizer)
run.log(loss=loss, learning_rate=lr, step=step)
"""

from .advice import Advice, AdviceItem
from .init import init
from .layers import LayerInfo, OptimizerInfo
from .run import Run

__version__ = "0.1.0"
__all__ = ["Advice", "AdviceItem", "LayerInfo", "OptimizerInfo", "Run", "__version__", "init"]
