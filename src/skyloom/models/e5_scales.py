"""Measured scales that give the text features unit size.

Seven tenths of the power of e5's last hidden states is one vector that every token shares (nine tenths for the
end token), so that vector is taken away before the states are scaled; what is left tells tokens apart. Measured by
`measure` over 100 English and 100 Chinese captions (those of tests/test_models_text_encoder.py, which measures them
again). Checkpoints are trained on features made with these numbers: new numbers ask for new checkpoints.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CENTRE_UNIT = 0.01  # the centres below are int8 multiples of it


@dataclass(frozen=True)
class Scale:
    """What to take away, (d,), and the root mean square of what is left."""

    centre: Tensor
    rms: float

    def apply(self, features: Tensor) -> Tensor:
        """Return features (..., d) without their centre, about 1 in root mean square."""
        return (features - self.centre.to(features.device)) / self.rms


def measure(features: Tensor) -> Scale:
    """Measure the centre and scale of features (count, d)."""
    centre = features.mean(dim=0)
    return Scale(centre, float((features - centre).square().mean().sqrt()))


def _centre(text: str) -> Tensor:
    """Decode a centre: base 85, int8, in units of CENTRE_UNIT."""
    return torch.from_numpy(np.frombuffer(base64.b85decode(text), np.int8) * np.float32(CENTRE_UNIT))


STATIC = Scale(torch.zeros(384), 0.0805)
TOKEN_STATE = Scale(_centre(
    "8}|0;F!=xg7620j5Blp99rWqs68`lQ6CUCf6x;6I8{!%c=Ia;d?F11g4jA1L;_K)d0T378>)qZjDf{>d93vYN@9W+e1L_3(67>@8^6cmn?i?KJ9P"
    "t?)>F4M4?GPmGBJK_8>j^CB73%H~5f$6&`S1$t7U<&g;pr3)4h<U;2^9?^>jC-i=@;n^6ALKtAoC648VxS*>gW_8=HcP`*zOe|>FxIU`3MCN^%N!"
    "#`uE)H>EP!H4Dk6B?d0Sj?iv&v`{)b^8UXDR@);A-<Qm=g5Ekeo7xx$4@e(5P@(J(t<=yw>0ty!1_~I4V7Vh*H_z)E4^Vjhh79Z#j4Fe$-9SG&|>"
    "HXvy6Y%Qs8z=Ac7!4K?8~p7W=JxXH5a|yJ1t0Dg>*p2_;1CN12pJ?0=<pa6{QvCW?eGHQ69w$<7Z3^Z=osSl?;q{k2^8ZH`s5Pz?-voy2oL8A^W+"
    "j1=lmW64HfkR6X6yb_7VBs>=)+e9UvGM"
), 0.1451)  # fmt: skip
SENTENCE_STATE = Scale(_centre(
    "82$0y9`*|e6#x_g4e{^&7xnAu4E*sD6BzCW65;OW7v~pZ<?a;k@CyqW5D)4Q>GkUu1s4wD>f-Dh9QO$d91{}~`uOY@1?>d^2K5i^?(FRq^A;EE6Y"
    "UTX=j-h9@)92M7VHe{>kS<0672R76B6X=`S1?v5$@>v>go*@3J4Mn3K0$p?f(1n?hoz|3k>`37V!!15Dp^l?d%a5?dRt2;_MO|?(y^m><$GK^ba2"
    "m^#11T?B?YP3;FjB@9XOm?HCag_3IG_7Y61N?hp{+<`wDt3>EDU6!sDK@DCW~@eA+q<?{FH`3(@^_3aPe81M5A_Y?u=_uudi6BY3a5&9St84c|5>"
    "G|gk67KNw4j=3E6b};*74+~H?D_Wa5A6^L{`>6{_3{o1<`4@81``|(>h2U0{Qvvw>;w7d5e@0<6a)wD>Kp3n^cV8z2odTJ{rC+A=MoU@1`_TK@ah"
    "i{?DP@}6BG9W4C50N^$7Rr=oIbi6CDf("
), 0.0647)  # fmt: skip
