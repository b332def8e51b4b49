"""Compiles every kernel of the client for a card that need not be there: compile_kernels.py CAPABILITY…

Says of each kernel what a caller may want to hold it to, as one JSON object a line.
"""

from __future__ import annotations

import json
import re
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from spikescope.capture import fused_norms, norm_kernels, row_kernels
from spikescope.capture.edges import UPDATE_MAGNITUDES
from spikescope.capture.fused_rows import OPTIONS
from spikescope.capture.gather import ROW_WIDTH

# What torch hands over: memory that begins at 16 bytes.
ROWS = {"tensor_of_row": "*i32", "start_of_row": "*i64", "stride_of_row": "*i64", "count_of_row": "*i32"}
KERNELS = {
    "add_norms": (
        norm_kernels.add_norms,
        {
            "table": "*i64",
            "layer_of_tensor": "*i32",
            "count_of_tensor": "*i64",
            "tensor_of_chunk": "*i32",
            "start_of_chunk": "*i64",
            "squares": "*fp64",
            "maxima": "*i32",
        },
        {"W": fused_norms.WIDTH, "PARTS": fused_norms.CHUNK // fused_norms.WIDTH},
        {"num_warps": 8},
    ),
    "gather_rows": (
        row_kernels.gather_rows,
        {"table": "*i64", **ROWS, "rows": "*fp32"},
        {"W": ROW_WIDTH},
        {},
    ),
    "gather_moments": (
        row_kernels.gather_moments,
        {
            "table": "*i64",
            "logarithms": "*fp64",
            "scale_of_row": "*fp32",
            "first_scale": "fp32",
            "second_scale": "fp32",
            "source": "i32",
            **ROWS,
            "first_rows": "*fp32",
            "second_rows": "*fp32",
        },
        {"W": ROW_WIDTH},
        {},
    ),
    "add_rows": (
        row_kernels.add_rows,
        {
            "layer_of_row": "*i64",
            **dict.fromkeys(
                (
                    "padding_of_row", "gradient_rows", "previous_rows", "used_rows", "first_rows",
                    "second_rows", "has_first", "has_second", "epsilons", "gradient_thresholds",
                    "second_thresholds",
                ),
                "*fp32",
            ),
            "sums": "*fp64",
            "maxima": "*i32",
            "ratio_slots": "*i32",
            "update_slots": "*i32",
            "ratio_magnitudes": "*fp32",
            "update_magnitudes": "*fp32",
            "small_update": "fp32",
            "has_previous": "i32",
            "has_slots": "i32",
            "has_first_rows": "i32",
            "has_second_rows": "i32",
        },
        {
            "RATIO_MAGNITUDES": 65,
            "UPDATE_MAGNITUDES": UPDATE_MAGNITUDES,
            "W": ROW_WIDTH,
        },
        {},
    ),
}  # fmt: skip


def main() -> None:
    for capability in sys.argv[1:]:
        target = GPUTarget("cuda", int(capability), 32)
        for name, (kernel, arguments, constants, options) in KERNELS.items():
            signature = {**arguments, **dict.fromkeys(constants, "constexpr")}
            places = {argument: index for index, argument in enumerate(kernel.arg_names)}
            assert list(signature) == list(places), name
            aligned = {
                (places[argument],): [["tt.divisibility", 16]]
                for argument, kind in arguments.items()
                if kind.startswith("*")
            }
            source = ASTSource(
                kernel, signature, {(places[key],): value for key, value in constants.items()}, aligned
            )
            compiled = triton.compile(source, target=target, options={**OPTIONS, **options})
            ptx = compiled.asm["ptx"]
            found = {
                "kernel": name,
                "capability": int(capability),
                "wide_loads": len(re.findall(r"\bld\.global\S*\.v4\.b32", ptx)),
                "waiting_additions": len(re.findall(r"\b(?:atom|red)\S*acq_rel", ptx)),
                "spilled": len(re.findall(r"\b(?:ld|st)\.local", ptx)),
            }
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
