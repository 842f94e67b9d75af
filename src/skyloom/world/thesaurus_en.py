"""English words that rewording understands and training never says.

Near words of the known ones, written from common knowledge. No word of the held-out lists that training does not know
is among them (a test compares the sets), so that those lists keep testing what was never written down anywhere.
"""

from __future__ import annotations


def rows(text: str) -> dict[str, tuple[str, ...]]:
    """Read "name: one, two" lines; one that is indented goes on with the line before."""
    lines = (line.partition(":") for line in text.strip().replace("\n ", " ").splitlines())
    return {name.strip(): tuple(" ".join(part.split()) for part in said.split(",")) for name, _, said in lines}


ACTOR = rows("""
dog: dachshund, beagle, spaniel, labrador, retriever, bulldog, collie, mutt, canine, sheepdog, husky, greyhound
cat: tabby, feline, siamese cat, persian cat, house cat, moggy
horse: filly, colt, thoroughbred, charger, bronco, nag, palomino
cow: cattle, calf, ox, steer, bovine, jersey cow, buffalo
pig: swine, sow, boar, porker, hen-house hog
elephant: tusker, african elephant, pachyderm, circus elephant
giraffe: long-necked animal, savanna giraffe
tiger: bengal tiger, siberian tiger, striped cat, big cat
rabbit: jackrabbit, cottontail, buck rabbit, long-eared bunny
monkey: baboon, orangutan, primate, macaque, lemur, capuchin
fox: arctic fox, desert fox, reynard
panda: bamboo bear, black and white bear
penguin: king penguin, rockhopper, antarctic bird, penguin chick
duck: teal, waterfowl, goose, eider, pintail
flamingo: wading bird, pink bird, heron
parrot: budgie, cockatiel, colorful bird
turtle: terrapin, shelled reptile
crab: lobster, crustacean, king crab
fish: goldfish, salmon, carp, herring, tuna, bass
octopus: kraken, tentacled animal, cephalopod
whale: orca, sperm whale, sea mammal, dolphin, cetacean
butterfly: swallowtail, painted lady
bee: hornet, honey maker, worker bee
snail: escargot, mollusk, shell creature
dinosaur: brachiosaurus, long-necked dinosaur, prehistoric reptile, stegosaurus, triceratops, dino
dragon: fire-breathing serpent, mythical lizard
unicorn: horned horse, fairy-tale horse, one-horned horse
robot: automaton, cyborg, mechanical man, machine man, metal man
ghost: specter, apparition, haunting spirit, wraith, poltergeist
alien: green man from space, visitor from another planet, moon man, space creature
snowman: man of snow, snow figure
astronaut: space traveler, person in a space suit, moonwalker
dancer: tango dancer, salsa dancer, dancing girl
wizard: conjurer, merlin, enchanter, magic man
firefighter: fire fighter, rescue worker in a helmet, fire chief
car: vehicle, motorcar, taxi, roadster, convertible, coupe, hot rod, limousine
bus: city bus, omnibus, minibus
truck: big rig, van, freight truck, tractor trailer, cargo truck
bicycle: two-wheeler, mountain bike, racing bike, tricycle
train: railway engine, choo-choo, railroad train
rocket: space rocket, missile, moon rocket, booster
airplane: aeroplane, jetliner, propeller plane, biplane
helicopter: whirlybird, rotorcraft, rescue helicopter, gunship
sailboat: boat with a sail, schooner, catamaran, dinghy, sailing ship
balloon: air balloon, helium balloon
teddy bear: woolly bear, bear doll, nursery bear
umbrella: rain shade, sunshade, rain cover
guitar: string instrument, banjo, rock guitar, bass guitar, lute
candle: candlelight, burning wick, tea light
soccer ball: ball for soccer, leather ball, black and white ball, kickball
basketball: hoops ball, dribbling ball, streetball
apple: fruit, granny smith, crab apple
banana: yellow fruit, plantain
watermelon: melon, juicy melon, slice of melon
pizza: margherita, pepperoni pizza, calzone
cake: gateau, wedding cake, pastry
cookie: cracker, shortbread, chocolate chip cookie, macaroon, baked treat
ice cream: sundae, frozen dessert, sorbet, frozen treat, vanilla ice cream
mushroom: champignon, fly agaric, porcini
cactus: succulent, desert plant
tree: elm, beech, birch, chestnut, big green tree
sunflower: large yellow flower, daisy, blooming sunflower
star: shining star, asterisk, five-pointed star
moon: half moon, new moon, lunar sickle, moon in the sky
""")

MOTION = rows("""
stand: be at rest, not move, be still, rest quietly, stand there, linger, hold its place, idle
walk: go for a walk, step along, pace, saunter, stride, trudge, tread, hike, ramble, wander
run: run fast, tear along, scurry, speed, charge, scamper, race along, hurtle, scuttle
jump: leap, leap into the sky, jump high, vault up, leap straight up, jump off the ground, do a high jump
hop: skip along, caper, jump along like a rabbit
bounce: ricochet off the floor, bounce repeatedly, keep bouncing, boing
fall: drop, come down, sink down, crash to earth, drop like a stone, be pulled down, topple from the sky, nosedive,
    dive down, fall from the sky
roll: turn over and over on the floor, roll around, roll over, somersault, cartwheel, go rolling
slide: slither, skate along, drift to a stop
fly: sail through the sky, wheel overhead, take flight, hover across the sky, cruise through the sky, go by air,
    flutter
float: rise up, rise into the sky, float away, hover up, lift off gently, go up like a balloon, ascend, rise slowly
swim: splash about, bathe, do the crawl, wade, float along in the sea, move through water
spin: turn round and round, pivot, gyrate, turn in circles, do pirouettes, swivel, turn on its axis
orbit: move in circles about {o}, ring {o}, run rings round {o}
grow: get bigger, become larger, become gigantic, increase in size, inflate, enlarge itself, bulge, scale up, turn
    huge
shrink: become tiny, get tinier, decrease in size, deflate, become little, reduce in size, lessen, scale down,
    wither, contract
approach: come near, get close to us, move in on the viewer, come nearer, head for the camera
recede: leave, head off into the distance, depart, get farther away, withdraw, fade into the distance
chase: hunt {o}, race after {o}, try to catch {o}
pass_behind: cross behind {o}, walk in back of {o}, be hidden by {o}, disappear behind {o}
ride: mount {o}, be carried by {o}, be on the back of {o}
collide: run into {o}, knock into {o}, strike {o}, bang into {o}
push: drive {o} along, thrust {o} ahead, move {o} by pushing
""")

PLACE = rows("""
meadow: on a green lawn, on the pasture, in a field of grass and flowers, between flowers, in the green grass, in a
    park, on the prairie, in a flower garden
desert: in the sand desert, on hot dry sand, in a dry canyon, in the gobi, in egypt between sand hills, under the
    hot desert sun
beach: on the seashore, on the sands, at the shoreline, on a tropical beach, on yellow sand by the water, by the
    beach, on a holiday beach
sea: on the water, far out at sea, on a wide blue sea, on the atlantic, sailing on blue water, on the big sea, on
    rolling water
underwater: down in the water, deep in the sea, between corals, at the bottom of the sea, submerged in blue water,
    in an aquarium, down with the fish
snowy forest: between snow-covered trees, in a white forest, in the woods with snow, between spruces in the snow, in
    a wintry forest, in the frozen taiga, between snowy firs
jungle: in the tropical forest, in thick green plants, between vines and palms, in the bush of africa, in borneo, in
    the wild green forest, in lush undergrowth
mountains: in the hills, on a mountain, between cliffs and rocks, in the himalayas, on the mountainside, below tall
    mountain tops, in the rocky mountains
farm: on the ranch, by the fields of a farm, in a field of crops, next to the henhouse, on farmland, in a village
    with fields
city street: on the road between buildings, in the city, in the middle of traffic, on the sidewalk, on an avenue, in
    the street, between office buildings, on main street
neon street: between glowing signs at night, on a street with bright neon signs, in the neon city, in tokyo by
    night, between colored city lights, on a futuristic street, in las vegas
kitchen: in the cook's kitchen, on the kitchen floor, next to the fridge, on a kitchen counter, beside the sink,
    where dinner is cooked, in a house by the oven
stage: on a theatrical stage, in a playhouse, before an audience, at the opera, in a show hall, under the
    spotlights, in a ballet hall
space: in the universe, on the moon's ground, out in the solar system, in zero gravity, on another world, between
    stars in black emptiness, between asteroids
""")

PLACE_NOUN = rows("""
meadow: pasture, lawn, prairie, field of flowers
desert: sand desert, sahara sands
beach: seashore, tropical beach
sea: wide blue water, atlantic, rolling sea
underwater: sea bottom, coral garden, aquarium
snowy forest: white forest, snow-covered wood, frozen taiga
jungle: tropical forest, thick green bush
mountains: mountain range, hills, rocky mountains
farm: ranch, farmland
city street: avenue, road in the city, sidewalk
neon street: neon city, street of glowing signs
kitchen: cook's kitchen, kitchen counter
stage: theatrical stage, playhouse, opera
space: universe, solar system
""")

WEATHER = rows("""
rain: in pouring rain, in a rainstorm, with rain coming down, in a storm, in drizzle, on a rainy day, as it pours
snow: in a snowstorm, with snow coming down, on a snowy day, in heavy snow, as it is snowing
petals: with petals in the air, in a rain of petals, as cherry petals come down, between flying flower petals
fog: in dense fog, in the clouds of fog, on a foggy day, through fog, with fog everywhere, in smog
stars: below the stars, in starlight, under a sky of stars, with a starry sky above, on a starry night
sunset: as the sun goes down, at nightfall, in the red light of the sinking sun, in the last sunlight, as the day ends
night: in the middle of the night, by night, in darkness, in the dark, late at night, on a dark night
""")

DIRECTION = rows("""
left: to the left side, off to the left, over to the left, to its left, from right to left, left along
right: to the right side, off to the right, over to the right, to its right, from left to right, right along
""")

SPEED = rows("""
slow: sluggishly, gently, lazily, at a crawl, taking its time, at low speed
fast: swiftly, hastily, hurriedly, at high speed, at full speed, in haste, speedy
""")

SIDE = rows("""
left: to the left side, on the left side, at left, on the far left
right: to the right side, on the right side, at right, on the far right
middle: in the centre, at the center, in between, in the middle of the picture
""")

CAMERA = rows("""
still: not move, be static, stand still, rest where it is
pan left: turn toward the left, swing left, move sideways to the left
pan right: turn toward the right, swing right, move sideways to the right
tilt up: look upward, turn up to the sky, point up, rise to show the sky, lift its gaze
tilt down: look downward, turn down to the ground, point down, lower its gaze, drop to show the floor
zoom in: enlarge the picture, zoom closer, get a close-up, make the picture larger
zoom out: show a wider picture, zoom back, open to a wide shot, make the picture smaller
dolly in: come closer, go in, drive in
dolly out: back off, go back, drive out, roll back
shake: shake about, shiver, quiver, be unsteady, be handheld and shaky, vibrate
""")

STYLE = rows("""
3d render: cgi, computer animation, three-dimensional animation, rendered 3d
cartoon: flat animation, anime, animated cartoon, flat drawing, hand-drawn cartoon
pixel art: pixels, old video game, arcade game picture, blocky game art
charcoal: sketch, pencil drawing, coal drawing, drawing in charcoal, gray crayon drawing, ink sketch
1920s film: old film, black and white film, old-time movie, antique film, chaplin film, aged brown film
claymation: clay figures, clay puppets, modeling clay film, animated clay, clay models
""")

FRAMES = (
    "let me see {x}", "here is {x}", "a clip of {x}", "a scene with {x}", "a movie in which {x}", "look at {x}",
    "generate {x}", "create a video of {x}", "make a film with {x}", "a shot of {x}", "once upon a time {x}",
    "think of {x}", "the clip has {x}", "our film presents {x}", "it is {x} that we have here", "one can find {x}",
    "we have {x}", "please draw {x}", "observe {x}", "you are looking at {x}", "i want {x}",
)  # fmt: skip
"""Ways to begin; {x} is what is seen."""

CAMERA_SUBJECTS = ("the shot", "the view", "the cameraman", "the frame", "the picture")
CAMERA_LINKS = ("; ", ", and ", " while ", "; at the same time ", ", during which ", ". ", "; now ", ", all while ")
STYLE_LINKS = (
    ", drawn as {style}", ", looking like {style}", ", as {style}", ", made as {style}", ", in the look of {style}",
    ", shot as {style}", ", like {style}", ", using {style}", ", painted as {style}", ", {style} look",
)
