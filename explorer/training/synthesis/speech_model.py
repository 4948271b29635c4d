"""The speech model's graph, changed so that a line can be spoken on one pitch with known phone times.

Knows: the tensors of the int8 ONNX export of Kokoro-82M and how its quantised convolutions are written.
Does not know phones, voices or sound. Needs the package onnx.

Three changes: the pitch of voiced frames is an input (``hz``), the durations of the phones are an
output, and convolutions run in float32, which is faster on a CPU than the dynamic int8 of the export.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.tools import load

DURATIONS = "/encoder/Clip_output_0"
PITCH = "/encoder/F0_proj/Conv_output_0"
VOICED_ABOVE = 40.0
"""Hz: frames that the model predicts lower than this are unvoiced."""


def singable(data: bytes) -> bytes:
    """The changed model from the bytes of the export. Raises SynthesisError for another graph."""
    onnx = load("onnx")
    model = onnx.load_from_string(data)
    graph = model.graph
    names = {output for node in graph.node for output in node.output}
    if DURATIONS not in names or PITCH not in names:
        raise SynthesisError("the speech model has not the tensors that are known here")
    _pitch_as_input(onnx, graph)
    graph.output.extend([onnx.helper.make_tensor_value_info(DURATIONS, onnx.TensorProto.FLOAT, None)])
    _float_convolutions(onnx, graph)
    _fixed_chance(onnx, graph)
    kept: bytes = _without_dead_ends(graph, model)
    return kept


def _pitch_as_input(onnx: Any, graph: Any) -> None:
    """Voiced frames sound at the input ``hz``, float32 [1]; unvoiced ones stay as predicted."""
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == PITCH:
                node.input[index] = "pitch_sung"
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(VOICED_ABOVE, np.float32), "voiced_above"))
    graph.input.extend([onnx.helper.make_tensor_value_info("hz", onnx.TensorProto.FLOAT, [1])])
    nodes = list(graph.node)
    place = next(i for i, node in enumerate(nodes) if PITCH in node.output) + 1
    nodes[place:place] = [
        onnx.helper.make_node("Greater", [PITCH, "voiced_above"], ["pitch_voiced"]),
        onnx.helper.make_node("Where", ["pitch_voiced", "hz", PITCH], ["pitch_sung"]),
    ]
    del graph.node[:]
    graph.node.extend(nodes)


def _float_convolutions(onnx: Any, graph: Any) -> None:
    """ConvInteger → [Add bias] → Cast → Mul becomes one Conv on dequantised weights."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    producer = {output: node for node in graph.node for output in node.output}
    consumers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    replaced: dict[int, Any] = {}
    dropped: set[int] = set()
    for node in graph.node:
        if node.op_type != "ConvInteger":
            continue
        source = producer[node.input[0]].input[0]
        chain, bias = [node], None
        after = consumers[node.output[0]][0]
        if after.op_type == "Add":  # the bias, itself quantised: Reshape ← Cast ← Floor ← Div(bias, scale)
            made = producer[next(name for name in after.input if name != node.output[0])]
            while made.op_type != "Div":
                made = producer[made.input[0]]
            bias = made.input[0]
            chain.append(after)
            after = consumers[after.output[0]][0]
        if after.op_type != "Cast":
            raise SynthesisError(f"convolution {node.name} of the speech model is written in an unknown way")
        scaled = consumers[after.output[0]][0]
        chain += [after, scaled]
        kernel = _dequantised(onnx, graph, node, weights, producer)
        inputs = [source, kernel] + ([bias] if bias else [])
        made = onnx.helper.make_node("Conv", inputs, [scaled.output[0]], name=node.name + "_float")
        made.attribute.extend(node.attribute)
        replaced[id(node)] = made
        dropped |= {id(member) for member in chain[1:]}
    nodes = [replaced.get(id(node), node) for node in graph.node if id(node) not in dropped]
    # A bias is made beside its convolution, perhaps after it: ``_without_dead_ends`` sorts the nodes.
    del graph.node[:]
    graph.node.extend(nodes)


def _dequantised(onnx: Any, graph: Any, node: Any, weights: dict[str, Any], producer: dict[str, Any]) -> str:
    """Name of the float weights of a ConvInteger."""
    quantised = node.input[1]
    if quantised not in weights:
        return str(producer[quantised].input[0])
    array = onnx.numpy_helper.to_array
    base = quantised[: -len("_quantized")]
    kernel = array(weights[quantised]).astype(np.float32)
    zero = array(weights[node.input[3]]).astype(np.float32) if len(node.input) > 3 else np.zeros(1, np.float32)
    scale = array(weights[base + "_scale"])
    column = (-1, *[1] * (kernel.ndim - 1))
    zero = zero.reshape(column) if zero.size > 1 else zero.reshape(())
    scale = scale.reshape(column) if scale.size > 1 else scale.reshape(())
    name = base + "_float"
    graph.initializer.append(onnx.numpy_helper.from_array(((kernel - zero) * scale).astype(np.float32), name))
    return str(name)


def _fixed_chance(onnx: Any, graph: Any) -> None:
    """The noise of breath becomes the same in every run, so that a song can be made again."""
    for number, node in enumerate(graph.node):
        if node.op_type in ("RandomNormalLike", "RandomUniformLike", "RandomNormal", "RandomUniform"):
            kept = [attribute for attribute in node.attribute if attribute.name != "seed"]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx.helper.make_attribute("seed", float(number))])


def _without_dead_ends(graph: Any, model: Any) -> bytes:
    """Leave out nodes and weights that no output needs; nodes in an order in which they can be run."""
    producer = {output: node for node in graph.node for output in node.output}
    order: list[Any] = []
    done: set[int] = set()
    stack = [(producer[output.name], False) for output in graph.output]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done.add(id(node))
            order.append(node)
            continue
        stack.append((node, True))
        needed = [*node.input, *(name for a in node.attribute if a.HasField("g") for n in a.g.node for name in n.input)]
        stack += [(producer[name], False) for name in needed if name in producer and id(producer[name]) not in done]
    used = {name for node in order for name in node.input}
    used |= {name for node in order for a in node.attribute if a.HasField("g") for n in a.g.node for name in n.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:]
    graph.node.extend(order)
    del graph.initializer[:]
    graph.initializer.extend(weights)
    data: bytes = model.SerializeToString()
    return data
