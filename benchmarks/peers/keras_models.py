"""Writes the models of Keras and LiteRT. Arguments: folder, weights (.npz), padding, width, height.

`resnet.keras` is the network of the AWS samples with random weights, because theirs are not published;
`same.keras` and `same.tflite` have the network and the weights of the bundled model, without heat map and
distance.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

PREFIX = "members.0.network."
BLOCKS = (
    *((1, 1), (6, 2), (6, 1), (6, 2), (6, 1), (6, 2), (6, 1), (6, 1), (6, 1), (6, 1), (6, 1)),
    *((6, 2), (6, 1), (6, 1), (6, 1), (6, 1)),
)
"""Expansion and stride of each inverted residual of EfficientNet-Lite0."""
SIDE = 224
"""Of the samples' images."""

Weights = Mapping[str, Any]


def same_network(weights: Weights, padding: int, width: int, height: int) -> tf.keras.Model:
    """EfficientNet-Lite0 in Keras: grey images (N, height, width, 1), 0 to 255 -> probabilities (N, K)."""
    inputs = tf.keras.Input((height, width, 1))
    maps = layers.Rescaling(1 / 128, -127 / 128)(layers.ZeroPadding2D(padding)(inputs))
    maps = layers.ReLU(6.0)(_convolution(layers.Concatenate()([maps] * 3), weights, "stem.0", 2))
    for number, (expansion, stride) in enumerate(BLOCKS):
        maps = _inverted_residual(maps, weights, f"body.{number}", expansion, stride)
    maps = layers.ReLU(6.0)(_convolution(maps, weights, "top.0", 1))
    temperature, kernel = weights["temperature"], weights[f"{PREFIX}head.weight"]
    bias = weights[f"{PREFIX}head.bias"] + weights["offset"]
    head = layers.Dense(len(kernel), activation="softmax")
    outputs = head(layers.GlobalAveragePooling2D()(maps))
    head.set_weights([kernel.T / temperature, bias / temperature])
    return tf.keras.Model(inputs, outputs)


def _inverted_residual(maps: Any, weights: Weights, name: str, expansion: int, stride: int) -> Any:
    inner = maps
    if expansion > 1:
        inner = layers.ReLU(6.0)(_convolution(inner, weights, f"{name}.expand.0", 1))
    kernel = weights[f"{PREFIX}{name}.depthwise.0.weight"].transpose(2, 3, 0, 1)
    depthwise = layers.DepthwiseConv2D(kernel.shape[0], stride, padding="same")
    inner = layers.ReLU(6.0)(depthwise(inner))
    depthwise.set_weights([kernel, weights[f"{PREFIX}{name}.depthwise.0.bias"]])
    inner = _convolution(inner, weights, f"{name}.project.0", 1)
    return layers.Add()([maps, inner]) if stride == 1 and maps.shape[-1] == inner.shape[-1] else inner


def _convolution(maps: Any, weights: Weights, name: str, stride: int) -> Any:
    kernel = weights[f"{PREFIX}{name}.weight"].transpose(2, 3, 1, 0)
    layer = layers.Conv2D(kernel.shape[3], kernel.shape[0], stride, padding="same")
    maps = layer(maps)
    layer.set_weights([kernel, weights[f"{PREFIX}{name}.bias"]])
    return maps


def main(folder: str, weights: str, padding: str, width: str, height: str) -> None:
    """Write all models."""
    with np.load(weights) as arrays:
        read = {name: arrays[name] for name in arrays.files}
    classes = len(read[f"{PREFIX}head.bias"])
    resnet = tf.keras.applications.ResNet50(weights=None, input_shape=(SIDE, SIDE, 3), classes=classes)
    resnet.save(Path(folder, "resnet.keras"))
    same = same_network(read, int(padding), int(width), int(height))
    same.save(Path(folder, "same.keras"))
    Path(folder, "same.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(same).convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
