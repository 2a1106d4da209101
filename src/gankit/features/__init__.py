"""What data is measured with: images to features, by a classifier of the user's labels or fixed networks; and, for
series, a small recurrent network that is trained afterwards (`gankit.features.recurrent`).

Knows pixels, numbers, labels and torch; never generators, the loop, or what is concluded from a distance.
"""

from __future__ import annotations

from gankit.features.base import Features, fixed_features, inception_features
from gankit.features.classifier import Classifier, train_classifier
from gankit.features.pretrained import PretrainedFeatures

__all__ = [
    "Classifier", "Features", "PretrainedFeatures", "fixed_features", "inception_features", "train_classifier",
]  # fmt: skip
