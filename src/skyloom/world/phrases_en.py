"""English words of the world, as tables.

A motion starts with its verb in base form; {o} is its object. Everything in a `heldout` list is for tests of free
wording and must never be trained on.
"""

from __future__ import annotations

from skyloom.world.grammar import Phrases

MOTION = {
    "stand": Phrases(("stand", "stand still", "stay still"), ("remain in place", "wait motionless")),
    "walk": Phrases(("walk", "stroll", "walk along"), ("amble", "take a stroll")),
    "run": Phrases(("run", "sprint", "race"), ("dash", "gallop")),
    "jump": Phrases(("jump", "jump up and down", "leap up"), ("spring into the air", "bound upward")),
    "hop": Phrases(("hop", "hop along", "skip"), ("prance", "go in little leaps")),
    "bounce": Phrases(("bounce", "bounce up and down", "bounce on the ground"), ("rebound again and again",)),
    "fall": Phrases(("fall", "fall down", "drop to the ground"), ("plummet", "plunge from above")),
    "roll": Phrases(("roll", "roll along", "roll over the ground"), ("trundle", "tumble along")),
    "slide": Phrases(("slide", "slide along", "slide over the ground"), ("skid", "coast along")),
    "fly": Phrases(("fly", "fly through the air", "soar"), ("glide through the air", "wing its way")),
    "float": Phrases(("float up", "float upward", "drift up"), ("levitate", "waft into the air")),
    "swim": Phrases(("swim", "swim along", "paddle"), ("stroke through the water", "go for a dip")),
    "spin": Phrases(("spin", "spin around", "twirl"), ("whirl", "rotate in place")),
    "orbit": Phrases(("orbit {o}", "circle around {o}", "go around {o}"), ("revolve about {o}", "loop about {o}")),
    "grow": Phrases(("grow", "grow bigger", "get larger"), ("swell up", "expand")),
    "shrink": Phrases(("shrink", "get smaller", "become smaller"), ("dwindle", "diminish")),
    "approach": Phrases(
        ("come closer", "come toward the camera", "approach the camera"), ("draw near", "advance toward us")
    ),
    "recede": Phrases(
        ("move away", "go off into the distance", "move away from the camera"), ("retreat", "vanish toward the horizon")
    ),
    "chase": Phrases(("chase {o}", "run after {o}", "chase after {o}"), ("pursue {o}", "give chase to {o}")),
    "pass_behind": Phrases(("pass behind {o}", "go behind {o}", "move behind {o}"), ("slip past the back of {o}",)),
    "ride": Phrases(("ride {o}", "ride on {o}", "ride on top of {o}"), ("travel atop {o}", "sit astride {o}")),
    "collide": Phrases(("collide with {o}", "bump into {o}", "crash into {o}"), ("smash into {o}", "slam into {o}")),
    "push": Phrases(("push {o}", "push {o} along", "shove {o}"), ("nudge {o} forward", "propel {o}")),
}

MANNER = {
    "stand": ("without moving", "quite calm"),
    "walk": ("step by step", "at an even gait"),
    "run": ("stride after stride", "in long strides"),
    "jump": ("straight up and down again", "off the ground and back"),
    "hop": ("with one small hop after another", "in little arcs"),
    "bounce": ("a little lower each time", "up from the ground again and again"),
    "fall": ("from above down to the ground", "pulled down by gravity"),
    "roll": ("turning over and over", "turning as it goes"),
    "slide": ("slowing down until it rests", "losing speed by friction"),
    "fly": ("above the ground", "high over the ground"),
    "float": ("light as a balloon", "up into the air"),
    "swim": ("in gentle waves", "with a swaying body"),
    "spin": ("turning about itself", "round and round"),
    "orbit": ("in a circle", "round and round in a circle"),
    "grow": ("until it is much bigger", "bigger and bigger"),
    "shrink": ("until it is much smaller", "smaller and smaller"),
    "approach": ("looking larger and larger", "nearer and nearer"),
    "recede": ("looking smaller and smaller", "farther and farther"),
    "chase": ("close behind", "trying to catch up"),
    "pass_behind": ("hidden for a moment", "out of sight for a moment"),
    "ride": ("carried along", "sitting on top"),
    "collide": ("then rebounding", "and they bounce apart"),
    "push": ("pressing against it", "moving it along the ground"),
}
"""How each motion goes; said in descriptive captions only."""

DIRECTION = {
    "left": Phrases(("left", "to the left", "toward the left"), ("leftward", "in the direction of the left edge")),
    "right": Phrases(
        ("right", "to the right", "toward the right"), ("rightward", "in the direction of the right edge")
    ),
}

SPEED_BEFORE = {
    "slow": Phrases(("slowly",), ("unhurriedly", "leisurely")),
    "fast": Phrases(("quickly",), ("rapidly", "speedily")),
}
SPEED_AFTER = {
    "slow": Phrases(("slowly", "at a slow pace"), ("without hurry", "at a leisurely pace")),
    "fast": Phrases(("quickly", "fast", "at a fast pace"), ("in a rush", "at a brisk clip")),
}

SIDE = {
    "left": Phrases(("on the left", "at the left"), ("on the left-hand side",)),
    "right": Phrases(("on the right", "at the right"), ("on the right-hand side",)),
    "middle": Phrases(("in the middle", "in the center"), ("halfway across",)),
}

WHERE = {
    "meadow": Phrases(("in a meadow", "in the meadow", "on a green meadow"), ("in a grassy field", "on the grassland")),
    "desert": Phrases(("in the desert", "in a desert", "on desert sand"), ("among the dunes", "in an arid wasteland")),
    "beach": Phrases(("on the beach", "at the beach", "on a beach"), ("on the sandy shore", "by the seaside")),
    "sea": Phrases(("on the open sea", "at sea", "on the sea"), ("on the ocean", "out on the waves")),
    "underwater": Phrases(("underwater", "under water", "under the sea"), ("beneath the waves", "on the ocean floor")),
    "snowy forest": Phrases(
        ("in a snowy forest", "in the snowy forest", "in a forest covered with snow"),
        ("in a winter wood", "among frosted pine trees"),
    ),
    "jungle": Phrases(("in the jungle", "in a jungle", "in the green jungle"), ("in a rainforest", "in the tropics")),
    "mountains": Phrases(
        ("in the mountains", "in front of mountains", "before high mountains"), ("in the highlands", "among the peaks")
    ),
    "farm": Phrases(("on a farm", "on the farm", "at a farm"), ("in a farmyard", "out in the countryside")),
    "city street": Phrases(
        ("on a city street", "in a city street", "on a street in the city"), ("on a downtown road", "in town")
    ),
    "neon street": Phrases(
        ("on a neon street", "in a neon street", "on a wet street of neon lights"),
        ("on a glowing boulevard", "in a cyberpunk alley"),
    ),
    "kitchen": Phrases(("in a kitchen", "in the kitchen"), ("in a room for cooking", "near a stove")),
    "stage": Phrases(("on a stage", "on the stage", "on stage"), ("in a theater", "before the curtain")),
    "space": Phrases(("in space", "in outer space"), ("among the planets", "in the cosmos")),
}

PLACE = {
    "meadow": Phrases(("a meadow", "a green meadow"), ("a grassy field",)),
    "desert": Phrases(("a desert", "the desert"), ("an arid wasteland",)),
    "beach": Phrases(("a beach", "the beach"), ("a sandy shore",)),
    "sea": Phrases(("the open sea", "the sea"), ("the high seas",)),
    "underwater": Phrases(("an underwater world", "the sea floor"), ("the deep below the waves",)),
    "snowy forest": Phrases(("a snowy forest", "a forest covered with snow"), ("a winter wood",)),
    "jungle": Phrases(("a jungle", "the green jungle"), ("a rainforest",)),
    "mountains": Phrases(("the mountains", "high mountains"), ("the highlands",)),
    "farm": Phrases(("a farm", "the farm"), ("a farmyard",)),
    "city street": Phrases(("a city street", "a street in the city"), ("a downtown road",)),
    "neon street": Phrases(("a neon street", "a wet street of neon lights"), ("a glowing boulevard",)),
    "kitchen": Phrases(("a kitchen", "the kitchen"), ("a room for cooking",)),
    "stage": Phrases(("a stage", "the stage"), ("a theater",)),
    "space": Phrases(("outer space",), ("the cosmos",)),
}

PLACE_DETAIL = {
    "meadow": ("with green grass and small flowers", "with grass and flowers all around"),
    "desert": ("with dry sand and red rocks", "with orange sand all around"),
    "beach": ("with sand in front and the sea behind", "with pale sand and blue water"),
    "sea": ("with waves all around", "with blue waves up to the horizon"),
    "underwater": ("with blue water all around", "deep in blue water over sand"),
    "snowy forest": ("with white ground and snowy trees", "with trees above white ground"),
    "jungle": ("with thick green leaves", "with green plants everywhere"),
    "mountains": ("with snowy peaks behind", "with tall peaks in the distance"),
    "farm": ("with rows of plowed fields", "with a fence and open fields"),
    "city street": ("with houses along the road", "with buildings behind the road"),
    "neon street": ("with bright signs mirrored on the wet ground", "glowing with signs in the dark"),
    "kitchen": ("with tiles on the wall", "with a wooden top and wall tiles"),
    "stage": ("with wooden boards and a red curtain", "with a red curtain behind"),
    "space": ("with craters in gray ground", "with gray ground under a dark sky"),
}
"""What a place looks like; said in descriptive captions only."""

WEATHER = {
    "rain": Phrases(("in the rain", "while it rains", "in falling rain"), ("in a downpour", "during a shower")),
    "snow": Phrases(("while it snows", "in falling snow", "as snow falls"), ("amid snowflakes", "in a flurry")),
    "petals": Phrases(("in falling petals", "as petals fall", "while petals drift down"), ("amid drifting blossoms",)),
    "fog": Phrases(("in fog", "in the fog", "in thick fog"), ("in a haze", "wrapped in mist")),
    "stars": Phrases(("under the stars", "under a starry sky", "with stars in the sky"), ("beneath twinkling lights",)),
    "sunset": Phrases(("at sunset", "at sundown", "in the light of sunset"), ("at dusk", "in the evening glow")),
    "night": Phrases(("at night", "in the dark of night", "during the night"), ("after dark", "in the moonlit hours")),
}
"""Every weather but clear, which goes without saying."""

WEATHER_TAG = {
    "rain": "rain", "snow": "snowfall", "petals": "petals", "fog": "fog", "stars": "starry sky", "sunset": "sunset",
    "night": "night",
}  # fmt: skip

CLEAR = ("in clear weather", "under clear conditions", "in plain clear light")

CAMERA = {
    "still": Phrases(("stay still", "keep still", "hold still"), ("remain fixed",)),
    "pan left": Phrases(("pan left", "pan to the left", "turn left"), ("sweep leftward",)),
    "pan right": Phrases(("pan right", "pan to the right", "turn right"), ("sweep rightward",)),
    "tilt up": Phrases(("tilt up", "tilt upward", "look up"), ("angle skyward",)),
    "tilt down": Phrases(("tilt down", "tilt downward", "look down"), ("angle groundward",)),
    "zoom in": Phrases(("zoom in", "zoom in on the scene"), ("magnify the view",)),
    "zoom out": Phrases(("zoom out", "zoom out from the scene"), ("widen the view",)),
    "dolly in": Phrases(("dolly in", "move in", "push in"), ("travel forward",)),
    "dolly out": Phrases(("dolly out", "move back", "pull back"), ("travel backward",)),
    "shake": Phrases(("shake", "shake a little", "tremble"), ("wobble", "jitter")),
}

STYLE = {
    "3d render": Phrases(("3d render", "3d rendering", "3d animation"), ("computer graphics",)),
    "cartoon": Phrases(("cartoon", "flat cartoon"), ("vector illustration", "comic drawing")),
    "pixel art": Phrases(("pixel art",), ("8-bit graphics", "retro sprites")),
    "charcoal": Phrases(("charcoal drawing", "charcoal sketch"), ("black chalk picture",)),
    "1920s film": Phrases(("1920s film", "silent film from the 1920s"), ("vintage sepia movie",)),
    "claymation": Phrases(("claymation", "clay animation"), ("plasticine stop motion",)),
}

STYLES_WITHOUT_ARTICLE = (
    "pixel art", "claymation", "clay animation", "3d rendering", "3d animation", "computer graphics", "8-bit graphics",
    "retro sprites", "plasticine stop motion",
)  # fmt: skip

EVENT = {
    "bitten": Phrases(
        ("{s} is bitten", "{s} gets bitten", "a bite is taken out of {s}"), ("a mouthful of {s} is eaten",)
    ),
    "broken": Phrases(("{s} breaks", "{s} gets broken", "{s} cracks"), ("{s} shatters", "{s} fractures")),
    "painted": Phrases(
        ("{s} is painted {c}", "{s} gets painted {c}", "{c} paint covers {s}"), ("{s} receives a coat of {c} dye",)
    ),
    "footprints": Phrases(
        ("{s} leaves footprints", "{s} leaves footprints behind", "footprints stay behind {s}"),
        ("{s} leaves a trail of tracks",),
    ),
    "blown out": Phrases(("{s} is blown out", "{s} gets blown out", "{s} goes out"), ("{s} is extinguished",)),
}

ONE_EVENT = Phrases(("; then {a}", ", and then {a}", "; {a}"), ("; a little later {a}",))
TWO_EVENTS = Phrases(
    ("; first {a}, then {b}", "; {a}, and then {b}", "; first {a}, and after that {b}"),
    ("; to begin with {a}, and later on {b}",),
)
CUT = Phrases(
    ("; then cut to {place}", "; then the shot changes to {place}", "; cut to {place}"), ("; the next view is {place}",)
)
SAME_PLACE_CUT = Phrases(("; then cut to another shot", "; then the shot changes"), ("; then a new view follows",))

FRAMES = Phrases(
    (
        "{finite} {where}",
        "{finite} {where}",
        "{progressive} {where}",
        "{where}, {finite}",
        "{where}, {progressive}",
        "there {is} {participle} {where}",
        "{where} there {is} {participle}",
        "{participle} {where}",
        "in this video {finite} {where}",
        "a video of {participle} {where}",
        "we see {participle} {where}",
        "{nouns} {where}; {definite}",
    ),
    (
        "imagine {participle} {where}",
        "{where} you can watch {participle}",
        "this clip features {participle} {where}",
        "show me {participle} {where}",
    ),
)
"""Whole sentences: `nouns` introduces the actors, `definite` says what each does; the other forms say both."""

TERSE_FRAMES = Phrases(
    ("{participle}, {place}", "{place}, {participle}", "{participle} {where}"), ("{participle} / {place}",)
)

STYLE_FRAMES = Phrases(
    ("{style}: {text}", "{text}, {style}", "{text}, in {style} style", "{style} style, {text}"),
    ("{text}, rendered as {style}", "{text}, done in the manner of {style}"),
)

CAMERA_FRAMES = Phrases(
    ("; the camera {finite}", ", the camera {participle}", ", with the camera {participle}", " as the camera {finite}"),
    ("; meanwhile our viewpoint {finite}",),
)

SCENE_SENTENCES = Phrases(
    ("the scene is {place} {detail}, {weather}.", "the place is {place} {detail}, {weather}.",
     "around is {place} {detail}, {weather}."),
    ("the backdrop shows {place} {detail}, {weather}.",),
)  # fmt: skip

LOOK_SENTENCES = Phrases(
    ("the camera {camera} and the style is {style}.", "in {style} style, the camera {camera}.",
     "the style is {style}; the camera {camera}."),
    ("the footage looks like {style}, and the lens {camera}.",),
)  # fmt: skip

NUMBERS = ("no", "one", "two", "three")

_ORDINARY = """
a above across after again against all along also am an and another any are around as at away back background be
because been before behind being below between big both bottom but by called camera can center centre clip could
did do does done down during each edge ever every film finally first for foreground from front had has have he
her here high him his how huge i if image in inside into is it its just large later left like little look
looking looks low made make may me meanwhile middle might more most movie moving must my named near new next no
not of off old on one only onto or other our out outside over photo picture please right same scene second see
seen shall she shot should show showing shows side small so some someone something still style than that the
their them then there these they thing things this those three through tiny to too top toward towards two under
until up us very video view want was we were what when where which while who whose will with without would yes
you your
"""
FUNCTION_WORDS = frozenset(_ORDINARY.split())
"""Words that need no picture: they never count as unknown."""
