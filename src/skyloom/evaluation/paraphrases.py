"""Paraphrases to tune rewording by.

Written for this purpose alone: none of them is a phrase of training or of the held-out lists (a test compares the
sets), so that whatever is tuned on these can be judged by those.
"""

from __future__ import annotations

from skyloom.world.thesaurus_rows import rows

ENGLISH = {
    "actor": {
        "dog": ("poodle", "little terrier"),
        "cat": ("tomcat",),
        "horse": ("steed", "foal"),
        "cow": ("bull",),
        "elephant": ("mammoth",),
        "tiger": ("striped predator",),
        "rabbit": ("lop-eared rodent",),
        "monkey": ("gorilla",),
        "duck": ("quacker",),
        "parrot": ("cockatoo",),
        "crab": ("langoustine",),
        "fish": ("trout",),
        "octopus": ("squid",),
        "whale": ("humpback",),
        "butterfly": ("moth",),
        "bee": ("wasp",),
        "snail": ("slug",),
        "dinosaur": ("apatosaurus",),
        "dragon": ("wyvern",),
        "robot": ("machine with arms",),
        "ghost": ("spectre",),
        "alien": ("being from mars",),
        "astronaut": ("taikonaut",),
        "dancer": ("ballerina",),
        "wizard": ("magician",),
        "firefighter": ("fire crew member",),
        "car": ("hatchback",),
        "truck": ("tipper",),
        "bicycle": ("cycle",),
        "rocket": ("space shuttle",),
        "airplane": ("boeing",),
        "sailboat": ("windjammer",),
        "umbrella": ("brolly",),
        "guitar": ("ukulele",),
        "cake": ("sponge tart",),
        "cookie": ("oat cracker",),
        "ice cream": ("sweet frozen cone",),
        "mushroom": ("fungus",),
        "tree": ("maple",),
        "moon": ("bright lune",),
    },
    "motion": {
        "stand": ("stay put", "keep quite still"),
        "walk": ("go on foot", "march", "promenade"),
        "run": ("jog", "flee", "make haste"),
        "jump": ("leap off the ground", "spurt upwards"),
        "bounce": ("bob back up from the floor", "ping off the ground"),
        "fall": ("come crashing down", "drop out of the sky"),
        "roll": ("turn head over heels", "wheel over the floor"),
        "fly": ("cross the sky", "circle high up"),
        "float": ("hang weightless", "soar slowly upward"),
        "spin": ("turn like a top", "go round and round"),
        "grow": ("become huge", "get taller", "puff up"),
        "shrink": ("get littler", "become minute"),
    },
    "place": {
        "meadow": ("in the clover",),
        "desert": ("in Arabia",),
        "beach": ("by the water's edge", "at the lido"),
        "sea": ("in the middle of the Pacific",),
        "underwater": ("below the surface of the water", "in the abyss"),
        "snowy forest": ("between snow-clad firs", "in the icy woods"),
        "jungle": ("in the Amazon",),
        "mountains": ("in the Alps", "on a summit"),
        "farm": ("near the cowshed",),
        "city street": ("in Manhattan", "at a crossroads"),
        "neon street": ("under electric signs in Tokyo",),
        "kitchen": ("where the chef works",),
        "stage": ("in front of an applauding crowd",),
        "space": ("in the galaxy", "out near Saturn"),
    },
    "weather": {
        "rain": ("in a thunderstorm", "in wet weather"),
        "snow": ("in a blizzard",),
        "petals": ("as blossom rains down",),
        "fog": ("in murky air",),
        "stars": ("below a sky full of constellations",),
        "sunset": ("in the last rays of the sun",),
        "night": ("at midnight",),
    },
    "direction": {"left": ("off to the left-hand edge", "westward"), "right": ("over to the right-hand edge",)},
    "camera": {
        "pan left": ("veer to the left",),
        "pan right": ("drift to the right",),
        "tilt up": ("stare up high",),
        "tilt down": ("peer at the ground",),
        "zoom in": ("close in on the subject",),
        "zoom out": ("show more of the surroundings",),
        "dolly in": ("inch closer",),
        "dolly out": ("back away",),
        "shake": ("rattle",),
    },
    "style": {
        "cartoon": ("manga",),
        "pixel art": ("nintendo game",),
        "charcoal": ("pencil sketch",),
        "1920s film": ("old black-and-white movie",),
        "claymation": ("play-doh figures",),
    },
}
"""Kind, then name, then ways to say it; verbs in base form."""

TUNING_MOTIONS = rows("""
stand: hold perfectly still, wait patiently, stay rooted to the spot, remain at its post, be as still as a statue,
    keep from moving, not move a muscle, lean there lazily
walk: go along at an easy pace, put one foot before the other, take a constitutional, patrol the area, wend its way,
    move on two legs, pass by at walking pace, take a turn around the block
run: hurry along, break into a gallop, rush headlong, tear away at top speed, streak past, make a run for it, whip by,
    take to its heels
jump: clear a fence in one go, shoot up off its feet, do a star jump, launch into the air, be up in the air in one
    leap, push up with both legs, hurdle the fence, leap skyward
bounce: hit the floor and spring back, fall and come up again like rubber, jounce up and down
    on the ground, go up and down on a trampoline, recoil from the floor like a ball, be thrown back up by the ground
fall: plop to the floor, lose its balance and go down, come tumble-free straight down, drop off a ledge, go down like
    a stone, be dragged down by gravity, slip and crash, sink earthward
roll: go over and over along the ground, turn like a barrel down the lane, somersault along, wheel along the ground,
    go heels over head, move like a rolling stone, turn on its side again and again
fly: wing its way through the air, travel through the sky, ride the air currents, cross the heavens, go through the
    clouds, circle above the treetops, beat its wings in the air
float: ascend like a balloon, be lighter than the air, drift up and away, lift into the sky bit by bit, hang in
    mid-air, climb gently into the heavens, hover weightlessly
spin: turn round its own axis, go round like a carousel, circle on the spot, revolve like a wheel, turn full circle
    again and again, go round in rings, swivel about
grow: gain height, put on size, get ever larger, rise to a giant's height, double its size, turn into a giant, broaden
    and lengthen
shrink: lose half its size, become as small as an ant, turn into a dwarf, get ever tinier, lose height and width, fade
    to a speck, contract to a tiny dot
""")
"""More ways to say a motion, for `scripts/wording_motions.py` alone; verbs in base form."""

CHINESE = {
    "actor": {
        "dog": ("贵宾犬",),
        "cat": ("花斑猫",),
        "horse": ("马驹",),
        "rabbit": ("野兔",),
        "monkey": ("大猩猩",),
        "butterfly": ("飞蛾",),
        "dinosaur": ("远古巨兽",),
        "wizard": ("魔术师",),
        "car": ("小车",),
        "truck": ("大货车",),
        "airplane": ("空中客车",),
        "tree": ("枫树",),
        "cake": ("奶油糕点",),
        "ghost": ("亡灵",),
    },
    "motion": {
        "stand": ("原地不动",),
        "walk": ("徒步",),
        "run": ("狂奔", "冲刺"),
        "jump": ("跃起",),
        "fall": ("掉落", "下坠"),
        "roll": ("翻跟头",),
        "fly": ("在空中盘旋",),
        "float": ("浮到空中",),
        "spin": ("转个不停",),
        "grow": ("变得巨大",),
        "shrink": ("变得很小",),
        "bounce": ("一弹一弹",),
    },
    "place": {
        "meadow": ("在牧场上",),
        "desert": ("在戈壁滩上",),
        "beach": ("在海滨",),
        "underwater": ("在海面下",),
        "snowy forest": ("在冰雪森林中",),
        "jungle": ("在亚马逊",),
        "mountains": ("在山顶上",),
        "farm": ("在田庄里",),
        "city street": ("在大街上",),
        "kitchen": ("在炉子旁",),
        "stage": ("在音乐厅里",),
        "space": ("在银河里",),
    },
    "weather": {
        "rain": ("雷雨交加",),
        "snow": ("大雪纷纷",),
        "fog": ("雾气蒙蒙",),
        "stars": ("星光灿烂",),
        "sunset": ("夕阳西下",),
        "night": ("深夜里",),
    },
    "direction": {"left": ("往左手边",), "right": ("往右手边",)},
    "camera": {"pan left": ("转向左边",), "tilt up": ("抬头看",), "zoom out": ("拉开距离",), "shake": ("抖个不停",)},
    "style": {"cartoon": ("动漫",), "charcoal": ("铅笔素描",), "1920s film": ("黑白老片",)},
}
"""As ENGLISH; places with their 在."""

FRAMES = {
    "en": (
        "picture {actor} {motion} {place}{more}",
        "{place} you will find {actor} {motion}{more}",
        "here comes {actor} {motion} {place}{more}",
        "recording of {actor} {motion} {place}{more}",
        "I would like to watch {actor} {motion} {place}{more}",
    ),
    "zh": (
        "想象一下{actor}{place}{motion}{more}",
        "{place}，能瞧见{actor}{motion}{more}",
        "拍一段{actor}{place}{motion}{more}",
    ),
}
"""Sentence shapes that training never uses."""

CAMERA_FRAMES = {"en": ("; all the while the picture {verb}", ", and the shot {verb}"), "zh": ("，机身{verb}",)}
STYLE_FRAMES = {"en": (", painted like {style}", ", made to look like {style}"), "zh": ("，看上去像{style}",)}
