"""How folders and pictures of each side are called, by people, cameras and data sets."""

from __future__ import annotations

from collections.abc import Mapping

INFRARED_NAMES = (
    *("ir", "infrared", "thermal", "thermal_16_bit", "thermal_8_bit", "lwir", "tir", "fir", "cropinfrared", "inf"),
    *("images_thermal_train", "images_thermal_val", "t"),
)
"""What folders of infrared pictures are called, in capital or small letters; earlier ones come first."""

VISIBLE_NAMES = (
    *("vis", "visible", "vi", "rgb", "crop_lr_visible", "crop_hr_visible", "visual", "color", "colour"),
    *("images_rgb_train", "images_rgb_val", "w"),
)

PRESETS: Mapping[str, tuple[str, ...]] = {
    "tno": ("vis/{},ir/{}", "visible/{},infrared/{}", "{}/vis*,{}/ir*", "{}_vis,{}_ir", "vis{},ir{}", "*/vis{},*/ir{}"),
    "roadscene": ("crop_lr_visible/{},cropinfrared/{}", "crop_hr_visible/{},cropinfrared/{}"),
    "msrs": ("vi/{},ir/{}", "{}/vi/{},{}/ir/{}"),
    "m3fd": ("vis/{},ir/{}", "{}/vis/{},{}/ir/{}"),
    "llvip": ("visible/{},infrared/{}",),
    "kaist": ("{}/visible/{},{}/lwir/{}", "visible/{},lwir/{}"),
    "flir-adas": (
        *("flir_{}_rgb,flir_{}_previewdata", "{}/flir_{}_rgb,{}/flir_{}_previewdata"),
        *("rgb/{},thermal_16_bit/{}", "rgb/{},thermal_8_bit/{}"),
        *("{}/rgb/{},{}/thermal_16_bit/{}", "{}/rgb/{},{}/thermal_8_bit/{}"),
    ),
    "dji": tuple(
        f"{above}dji_{each}_{lens},{above}dji_{each}_t"
        for lens in ("w", "v", "z")
        for above, each in (("", "{}"), ("", "*_{}"), ("{}/", "{}"), ("{}/", "*_{}"))
    ),
}
"""Names of data sets and cameras with the patterns of their layouts, of which the first that finds a pair counts."""

SIDE_WORDS = frozenset(
    {
        *("ir", "infrared", "thermal", "lwir", "tir", "fir", "previewdata", "t"),
        *("vis", "visible", "vi", "rgb", "visual", "w", "v", "z"),
    }
)
"""Words of file names that say the side, and not the scene."""
