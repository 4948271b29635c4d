"""How a layer's matrix product is computed when there are few rows: the formats its weights can be read in.

One code at a time, a model is as fast as its weights can be read, so narrower numbers are faster where the
processor has instructions for them. Knows: four formats and the torch operators behind them. Does
not know layers or models, or which format is fastest where (``precision`` measures that).
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from enum import StrEnum

import torch
from torch.nn import functional as F


class WeightFormat(StrEnum):
    """Number format of a Transformer's weights while sampling on a CPU. Products always add up in float32."""

    FLOAT32 = "float32"
    """Exact: what the reference vectors are compared in."""
    FLOAT16 = "float16"
    """Half the bytes, which is how models are stored; inputs and outputs in float32."""
    BFLOAT16 = "bfloat16"
    """Half the bytes, in the order in which the processor's kernel reads them; inputs in bfloat16."""
    INT8 = "int8"
    """A quarter of the bytes: each output's weights are whole numbers of one scale; inputs in bfloat16."""


def available(format: WeightFormat) -> bool:
    """Whether torch has this format's operators for this processor."""
    match format:
        case WeightFormat.FLOAT16:
            return "fbgemm" in torch.backends.quantized.supported_engines  # x86 with AVX2
        case WeightFormat.BFLOAT16:
            built = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
            return built and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        case WeightFormat.INT8:
            return hasattr(torch, "_weight_int8pack_mm")
    return True


class PackedProduct(ABC):
    """x·w + b with weights in one format."""

    @abstractmethod
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, in] of any floating type → [rows, out] in the type that the format computes in."""


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


MANY_ROWS = 12
"""From so many rows on, int8 weights are widened first: the product itself is then the larger part."""


@functools.cache
def _widened() -> torch.dtype:
    """What int8 weights are widened to: without bfloat16 instructions its products are ten times float32's."""
    return torch.bfloat16 if available(WeightFormat.BFLOAT16) else torch.float32


GRAIN = 64
"""torch's int8 operator reads inputs in runs: other input widths are computed from widened weights (it would crash)."""


class _Int8Product(PackedProduct):
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        # one scale per output, rounded before use so that dividing and multiplying agree
        scale = (weight.abs().amax(0).clamp_min(1e-12) / 127).bfloat16()
        self._weight = (weight / scale.float()).round().clamp(-127, 127).to(torch.int8).t().contiguous()
        self._scale = scale
        self._bias = None if bias is None else bias.bfloat16()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        x = x.bfloat16()
        if x.shape[0] >= MANY_ROWS or x.shape[1] % GRAIN:
            wide = _widened()
            weight = self._weight.to(wide) * self._scale.to(wide).unsqueeze(1)
            bias = None if self._bias is None else self._bias.to(wide)
            return F.linear(x.to(wide), weight, bias).bfloat16()
        y: torch.Tensor = torch._weight_int8pack_mm(x, self._weight, self._scale)
        return y if self._bias is None else y + self._bias
