"""Every primitive as each library has it.

A side is a class: a method a primitive, which returns the function that does it to one picture
[H, W, 3] (to the whole batch where `whole`), in one of the side's dtypes, or None where it has
none in that dtype. A primitive that the library lacks has no method.
"""

from tool_peers.jax_sides import DmPix, Ours
from tool_peers.opencv_side import OpenCV
from tool_peers.other_sides import Albumentations, Kornia, Pillow, ScikitImage

SIDES = {
    "ours": Ours,
    "OpenCV": OpenCV,
    "scikit-image": ScikitImage,
    "Pillow": Pillow,
    "kornia": Kornia,
    "AlbumentationsX": Albumentations,
    "dm-pix": DmPix,
}
