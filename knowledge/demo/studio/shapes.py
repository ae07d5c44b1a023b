"""Which function builds which family."""

from __future__ import annotations

from collections.abc import Callable

from knowledge.demo.studio import household as h
from knowledge.demo.studio import pottery as p
from knowledge.demo.studio import tableware as t
from knowledge.demo.studio.mesh import Parts
from knowledge.demo.studio.pieces import Piece

SHAPES: dict[str, Callable[[Piece], Parts]] = {
    "aster-mug": p.aster_mug,
    "tove-mug": p.tove_mug,
    "linden-bowl": p.linden_bowl,
    "linden-plate": p.linden_plate,
    "fjord-vase": p.fjord_vase,
    "onda-vase": p.onda_vase,
    "bruno-kettle": t.bruno_kettle,
    "hazel-teapot": p.hazel_teapot,
    "brook-jug": p.brook_jug,
    "pantry-storage-jar": t.pantry_jar,
    "cellar-storage-jar": p.cellar_jar,
    "ember-candle-holder": t.ember_candle_holder,
    "grind-pepper-mill": t.grind_pepper_mill,
    "pebble-soap-dish": p.pebble_soap_dish,
    "rill-tumbler": t.rill_tumbler,
    "moss-planter": p.moss_planter,
    "dew-watering-can": t.dew_watering_can,
    "birk-tray": t.birk_tray,
    "plank-cutting-board": t.plank_cutting_board,
    "nappe-cushion": h.nappe_cushion,
    "lumi-table-lamp": h.lumi_table_lamp,
    "alder-floor-lamp": h.alder_floor_lamp,
    "halo-pendant-lamp": h.halo_pendant_lamp,
    "pike-stool": h.pike_stool,
    "tarn-side-table": h.tarn_side_table,
    "hora-wall-clock": h.hora_wall_clock,
    "vista-picture-frame": h.vista_picture_frame,
    "perch-coat-hook": h.perch_coat_hook,
    "reed-basket": h.reed_basket,
    "fell-armchair": h.fell_armchair,
}
