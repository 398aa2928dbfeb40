"""The one place that imports ONNX Runtime, with its telemetry off: nothing we run leaves the machine.

From 1.32 on, ONNX Runtime writes a device id and a data base to ``~/.cache/Microsoft`` when it is imported
and looks up its maker's server some seconds later. Only the variable below, set before, stops both.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # has no effect once the library is loaded

import onnxruntime

__all__ = ["onnxruntime"]
