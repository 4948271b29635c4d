"""How a layer's matrix product is computed while sampling: the formats its weights can be read in.

One code at a time, a model is as fast as its weights can be read, so narrower numbers are faster where the
processor has instructions for them. Knows: four formats and the torch operators behind them. Does
not know layers or models, or which format is fastest where (``precision`` measures that).
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from enum import StrEnum

import torch


class WeightFormat(StrEnum):
    """Number format of a Transformer's weights while sampling on a CPU. No product adds up in fewer than 32 bits."""

    FLOAT32 = "float32"
    """Exact: what the reference vectors are compared in."""
    FLOAT16 = "float16"
    """Half the bytes, which is how models are stored; inputs and outputs in float32."""
    BFLOAT16 = "bfloat16"
    """Half the bytes, in the order in which the processor's kernel reads them; inputs in bfloat16."""
    INT8 = "int8"
    """A quarter of the bytes: each output's weights are whole numbers of one scale. Inputs are 8-bit numbers of one
    scale too, that of the widest row: a row's codes can depend a little on what is drawn beside it."""


def available(format: WeightFormat) -> bool:
    """Whether torch has this format's operators for this processor."""
    match format:
        case WeightFormat.FLOAT16:
            return "fbgemm" in torch.backends.quantized.supported_engines  # x86 with AVX2
        case WeightFormat.BFLOAT16:
            built = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
            return built and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        case WeightFormat.INT8:
            # without VNNI, pairs of products are added up in 16 bits and inputs have 7 bits left, which costs more
            # than 0.01 nats on the reference vectors. Packing needs torch's quantised tensors, which may go some day.
            fbgemm = "fbgemm" in torch.backends.quantized.supported_engines
            return fbgemm and bool(torch.cpu._is_vnni_supported()) and hasattr(torch, "quantize_per_channel")
    return True


class PackedProduct(ABC):
    """x·w + b with weights in one format."""

    @abstractmethod
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] of any floating type → [..., out] in the type that the format computes in."""


def pack(weight: torch.Tensor, bias: torch.Tensor | None, format: WeightFormat) -> PackedProduct:
    """``weight`` [in, out] and ``bias`` [out], float32 on the CPU, packed. Raises ValueError for FLOAT32."""
    match format:
        case WeightFormat.FLOAT16:
            return _Float16Product(weight, bias)
        case WeightFormat.BFLOAT16:
            return _BFloat16Product(weight, bias)
        case WeightFormat.INT8:
            return _Int8Product(weight, bias)
    raise ValueError(f"{format} weights are not packed")


class _Float16Product(PackedProduct):
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        # FBGEMM's operator: weights are widened in registers, inputs stay as they are
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.t().contiguous(), bias)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(x.float(), self._packed)
        return y


class _BFloat16Product(PackedProduct):
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        # the operators that torch's own compiler puts in place of linear layers for inference
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.t().contiguous().bfloat16())
        self._bias = None if bias is None else bias.bfloat16()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x.bfloat16(), self._weight, self._bias, "none", [], "")
        return y


class _Int8Product(PackedProduct):
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        scale = weight.abs().amax(0).clamp_min(1e-12) / 127
        zero = torch.zeros_like(scale, dtype=torch.int64)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
            whole = torch.quantize_per_channel(weight.t().contiguous(), scale, zero, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(whole, bias)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        # FBGEMM's operator: inputs become whole numbers on the way in, and sums float32 on the way out
        y: torch.Tensor = torch.ops.quantized.linear_dynamic(x.float(), self._packed)
        return y
