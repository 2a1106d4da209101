"""Export of G for programs without gankit: to ONNX, which needs no torch either, and as a program of torch.export.

Knows models and generators; never discriminators, optimisers or data.
"""

from __future__ import annotations

import copy
import inspect
import io
import json
import logging
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gankit.errors import DependencyError, OptionError, OutputError, reason
from gankit.io.atomic import write_atomically
from gankit.networks.base import Generator

if TYPE_CHECKING:
    from gankit.model import Model

OPSETS = (18, 23)
"""The lowest and the highest version of ONNX's operators. The lowest is of 2022, so that every runtime takes it."""

_NO_GRAPH = "this network is no single graph for any number of rows, so it cannot be exported"

METADATA = "gankit"
"""Key of the file's metadata that holds what the inputs and outputs are, as JSON; of a .pt2 file that extra file."""


def export(
    model: Model, path: str | Path, *, pixels: str = "float", truncation: float = 1.0, opset: int | None = None
) -> dict[str, Any]:
    """Writes the model's generator as an ONNX file or a program of torch.export, for any number of rows at once.

    Inputs, those that the generator has: `z` [rows, num_latents], standard normal; `c` [rows, K], one-hot for each
    label; `u` [rows, num_uniforms], uniform in (0, 1), of the discrete choices; `noise` [rows, M], of a network with
    styles, the noise inputs of its layers one after the other: standard normal as `sample` draws it, or zeros. All
    float32.

    Output: `x` [rows, C, H, W] float32, about [-1, 1]; or with pixels="bytes" `images` [rows, H, W, C] uint8, rounded
    as `sample` does. Of other kinds `x` [rows, D] float32, coded; the metadata has the codec.

    Args:
        model: of any network that makes a record at once.
        path: the .onnx file, or the .pt2 file for `torch.export.load`; it appears when it is whole.
        pixels: "float" or "bytes", for images. truncation: of images, built in; see `Model.sample`.
        opset: version of ONNX's operators, within OPSETS; None = the lowest.

    Returns:
        The metadata in the file: version, kind, network, inputs, output, condition, truncation, and the codec.

    Raises:
        OptionError: a network that is no single graph, or what does not fit the kind. DependencyError: onnx or
            onnxscript is not installed. OutputError: another suffix, or the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".onnx", ".pt2"):
        raise OutputError(f"the generator goes to an .onnx or a .pt2 file, not {target.name!r}. Name one with -o.")
    if model.generator.by_symbol is not None:
        raise OptionError(
            "texts are made symbol after symbol, which is no single graph: their models are not exported."
        )
    if model.generator.likelihood is not None:
        raise OptionError(
            f"this {model.plan.name} model draws a column after the other, which is no single graph. Train with "
            "--network residual to export."
        )
    image = model.of.has_places
    if not image and (pixels != "float" or truncation != 1):
        raise OptionError(f"--pixels and --truncation are for images, and this model is of kind {model.kind}.")
    if pixels not in ("float", "bytes"):
        raise OptionError(f"--pixels {pixels}: expected float or bytes.")
    if model.codec.spec.form == "image" and model.codec.spec.blocks and pixels == "bytes":
        raise OptionError(
            "--pixels bytes: this model's images have few colours, and a channel for each. Export them as float; the "
            "largest channel says which colour of the codec's palette a pixel has."
        )
    if not 0 < truncation <= 1:
        raise OptionError(f"--truncation {truncation:g}: it must be above 0 and at most 1.")
    if opset is not None and suffix != ".onnx":
        raise OptionError(f"--opset is for .onnx files, and this is {target.name!r}. Leave it out.")
    if opset is not None and not OPSETS[0] <= opset <= OPSETS[1]:
        raise OptionError(f"--opset {opset}: expected {OPSETS[0]} to {OPSETS[1]}.")
    generator = copy.deepcopy(model.generator).requires_grad_(False)
    generator.multiply_in = torch.float32  # as other runtimes multiply
    graph = _Graph(generator, truncation, pixels).eval()
    about = _about(model, graph, pixels, truncation)
    write = _onnx if suffix == ".onnx" else _program
    write_atomically(target, write(graph, json.dumps(about), OPSETS[0] if opset is None else opset))
    return about


class _Graph(nn.Module):
    """What is exported: the inputs in their order, to the output. inputs: name -> numbers of a row."""

    def __init__(self, generator: Generator, truncation: float, pixels: str) -> None:
        super().__init__()
        self.generator, self.truncation, self.pixels = generator, truncation, pixels
        self.inputs = {"z": generator.num_latents}
        if generator.condition is not None:
            self.inputs["c"] = generator.condition.dim
        self.noise_shapes: list[torch.Size] = []
        if (styled := generator.styled) is not None:
            layers = styled.draw_noise(1, torch.zeros(1, generator.num_uniforms))
            self.noise_shapes = [layer.shape[1:] for layer in layers]
            self.inputs["noise"] = sum(shape.numel() for shape in self.noise_shapes)
        elif generator.num_uniforms:
            self.inputs["u"] = generator.num_uniforms
        self.output = "pictures" if pixels == "bytes" else "x"

    def forward(self, *rows: Tensor) -> Tensor:
        """The inputs [rows, n] each -> the output."""
        given = dict(zip(self.inputs, rows, strict=True))
        x = self._made(given["z"], given.get("c"), given.get("u"), given.get("noise"))
        if self.pixels == "float":
            return x
        # as in `networks.blocks.collapse`
        return ((x + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)

    def _made(self, z: Tensor, c: Tensor | None, u: Tensor | None, noise: Tensor | None) -> Tensor:
        generator, psi = self.generator, self.truncation
        if (styled := generator.styled) is not None:
            assert noise is not None
            w = styled.styles(z, c)
            if psi != 1:
                w = styled.mean_style + psi * (w - styled.mean_style)
            parts = torch.split(noise, [shape.numel() for shape in self.noise_shapes], dim=1)
            layers = [part.view(-1, *shape) for part, shape in zip(parts, self.noise_shapes, strict=True)]
            return styled.paint(w, layers)
        x: Tensor = generator(z if psi == 1 else psi * z, z[:, :0] if u is None else u, c)
        return x


def _example(graph: _Graph) -> tuple[tuple[Tensor, ...], Any]:
    """Inputs, and that their first dimension may be of any size."""
    # more than one row, for one could be taken for a constant
    inputs = tuple(torch.full((2, size), 0.5) for size in graph.inputs.values())
    rows = torch.export.Dim("rows")
    return inputs, (tuple({0: rows} for _ in inputs),)


def _program(graph: _Graph, about: str, opset: int) -> bytes:
    """A .pt2 file. opset: of ONNX alone."""
    inputs, shapes = _example(graph)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch's own deprecations
        try:
            program = torch.export.export(graph, inputs, dynamic_shapes=shapes, strict=False)
        except Exception as error:  # of many sorts, all of what the network does
            raise OptionError(f"{_NO_GRAPH} ({reason(error)}).") from error
        for module in program.graph_module.modules():
            for node in getattr(module, "graph", torch.fx.Graph()).nodes:
                node.meta.pop("stack_trace", None)  # it names folders of this machine
        file = io.BytesIO()
        torch.export.save(program, file, extra_files={METADATA: about})
    return file.getvalue()


def _onnx(graph: _Graph, about: str, opset: int) -> bytes:
    """An .onnx file."""
    for package in ("onnx", "onnxscript"):
        try:
            import_module(package)
        except ImportError:
            missing = f"export needs the package {package}, which is not installed: pip install onnx onnxscript"
            raise DependencyError(missing) from None
    if "dynamic_shapes" not in inspect.signature(torch.onnx.export).parameters:
        raise DependencyError(f"export needs torch 2.6 or newer, and this is {torch.__version__}: pip install -U torch")
    inputs, shapes = _example(graph)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # that torchvision is not installed
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's own deprecations, and of the name "rows"
            program = torch.onnx.export(
                graph, inputs, input_names=list(graph.inputs), output_names=[graph.output], opset_version=opset,
                dynamic_shapes=shapes, dynamo=True, verbose=False,
            )  # fmt: skip
    finally:
        logger.setLevel(level)
    assert program is not None
    found: Any = program.model_proto
    if not found.graph.input[0].type.tensor_type.shape.dim[0].dim_param:  # torch exports what it can, without a word
        raise OptionError(f"{_NO_GRAPH}.")
    found.metadata_props.add(key=METADATA, value=about)
    content: bytes = found.SerializeToString()
    return content


def _about(model: Model, graph: _Graph, pixels: str, truncation: float) -> dict[str, Any]:
    """What stands in the metadata."""
    from gankit import __version__

    drawn = {"z": "standard normal", "c": "see condition", "u": "uniform in (0, 1)"}
    drawn["noise"] = "standard normal, or zeros"
    shape = list(model.codec.spec.shape)
    output = {"name": graph.output, "shape": shape, "type": "float32"}
    if model.of.has_places and not model.codec.spec.blocks:
        output |= {"range": [-1, 1], "bytes": "round(clip((x + 1) * 127.5, 0, 255))"}
    if pixels == "bytes":
        output |= {"shape": [*shape[1:], shape[0]], "type": "uint8", "range": [0, 255], "bytes": "pictures"}
    return {
        "version": __version__,
        "kind": model.kind,
        "network": model.plan.name,
        "inputs": {name: {"size": size, "is": drawn[name]} for name, size in graph.inputs.items()},
        "output": output,
        "condition": _condition(model),
        "truncation": truncation,
        "codec": model.codec.to_json(),
    }


def _condition(model: Model) -> list[dict[str, Any]]:
    """For each given column, where its one-hot numbers begin in c and what each of them means."""
    if model.given is None:
        return []
    codec, found = model.given.codec, []
    blocks = zip(codec.fields, codec.spec.offsets, codec.spec.blocks, strict=False)
    for place, (field, first, block) in enumerate(blocks):
        codes = torch.zeros(block.size, len(codec.fields), dtype=torch.float64).numpy() + 0.5
        codes[:, place] += range(block.size)
        cells = model.schema.column(field.name).format(codec.decode(codes)[field.name])
        meanings = [None if cell is None else str(cell) for cell in cells.to_pylist()]
        found.append({"column": field.name, "first": first, "means": meanings})
    return found
