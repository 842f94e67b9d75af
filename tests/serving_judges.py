"""Classifiers of prompts and pictures that judge as a test wants, by name."""

import numpy as np


def forbidden(text):
    """A classifier of prompts."""
    return {"violence": 0.9 if "forbidden" in text else 0.1}


def any_picture(frame):
    """A classifier that finds every picture unfit."""
    assert frame.dtype == np.uint8 and frame.shape[2] == 3
    return 1.0


def no_picture(frame):
    """A classifier that finds none so."""
    return 0.8
