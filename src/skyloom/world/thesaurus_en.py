"""English words that rewording understands and training never says.

Near words of the known ones, written from common knowledge. No word of the held-out lists that training does not know
is among them (a test compares the sets), so that those lists keep testing what was never written down anywhere.
"""

from __future__ import annotations

from skyloom.world.thesaurus_places_en import PLACE, PLACE_NOUN, WEATHER
from skyloom.world.thesaurus_rows import rows
from skyloom.world.thesaurus_verbs_en import CAMERA, MOTION

__all__ = ("CAMERA", "MOTION", "PLACE", "PLACE_NOUN", "WEATHER")

ACTOR = rows("""
dog: dachshund, beagle, spaniel, labrador, retriever, bulldog, collie, mutt, canine, sheepdog, husky, greyhound,
    pooch, poodle dog, corgi, watchdog, lapdog, german shepherd, dalmatian
cat: tabby, feline, siamese cat, persian cat, house cat, moggy, tom cat, furry cat
horse: filly, colt, thoroughbred, charger, bronco, nag, palomino, mustang, gelding
cow: cattle, calf, ox, steer, bovine, jersey cow, buffalo, cattle beast
pig: swine, sow, boar, porker, hen-house hog
elephant: tusker, african elephant, pachyderm, circus elephant, baby elephant, elephant calf
giraffe: long-necked animal, savanna giraffe
tiger: bengal tiger, siberian tiger, striped cat, big cat, sabre-tooth
rabbit: jackrabbit, cottontail, buck rabbit, long-eared bunny, cony
monkey: baboon, orangutan, primate, macaque, lemur, capuchin, marmoset, gibbon
fox: arctic fox, desert fox, reynard
panda: bamboo bear, black and white bear, panda cub
penguin: king penguin, rockhopper, antarctic bird, penguin chick, emperor bird, tuxedo bird
duck: teal, waterfowl, goose, eider, pintail, ducky
flamingo: wading bird, pink bird, heron, pink wader, flamingo chick
parrot: budgie, cockatiel, colorful bird, lovebird
turtle: terrapin, shelled reptile
crab: lobster, crustacean, king crab, shellfish, crawfish
fish: goldfish, salmon, carp, herring, tuna, bass, clownfish, cod, guppy
octopus: kraken, tentacled animal, cephalopod, squid creature, eight-armed creature
whale: orca, sperm whale, sea mammal, dolphin, cetacean, beluga
butterfly: swallowtail, painted lady
bee: hornet, honey maker, worker bee, bumble bee
snail: escargot, mollusk, shell creature
dinosaur: brachiosaurus, long-necked dinosaur, prehistoric reptile, stegosaurus, triceratops, dino, raptor
dragon: fire-breathing serpent, mythical lizard
unicorn: horned horse, fairy-tale horse, one-horned horse, magic horse, mythical horse
robot: automaton, cyborg, mechanical man, machine man, metal man, machine, humanoid
ghost: specter, apparition, haunting spirit, wraith, poltergeist, ghoul
alien: green man from space, visitor from another planet, moon man, space creature, space monster, creature from outer
    space
snowman: man of snow, snow figure, snow sculpture
astronaut: space traveler, person in a space suit, moonwalker, space explorer
dancer: tango dancer, salsa dancer, dancing girl, ballet dancer, performer, showgirl
wizard: conjurer, merlin, enchanter, magic man, spellcaster
firefighter: fire fighter, rescue worker in a helmet, fire chief, fire officer, fire warden
car: vehicle, motorcar, taxi, roadster, convertible, coupe, hot rod, limousine
bus: city bus, omnibus, minibus, double-decker, school bus
truck: big rig, van, freight truck, tractor trailer, cargo truck, semi
bicycle: two-wheeler, mountain bike, racing bike, tricycle
train: railway engine, choo-choo, railroad train
rocket: space rocket, missile, moon rocket, booster, space ship, launcher
airplane: aeroplane, jetliner, propeller plane, biplane
helicopter: whirlybird, rotorcraft, rescue helicopter, gunship
sailboat: boat with a sail, schooner, catamaran, dinghy, sailing ship, boat
balloon: air balloon, helium balloon, inflated balloon
teddy bear: woolly bear, bear doll, nursery bear
umbrella: rain shade, sunshade, rain cover
guitar: string instrument, banjo, rock guitar, bass guitar, lute, acoustic guitar, mandolin
candle: candlelight, burning wick, tea light, wax light
soccer ball: ball for soccer, leather ball, black and white ball, kickball, match ball
basketball: hoops ball, dribbling ball, streetball, orange ball, basket ball
apple: fruit, granny smith, crab apple, ripe fruit
banana: yellow fruit, plantain
watermelon: melon, juicy melon, slice of melon
pizza: margherita, pepperoni pizza, calzone, italian pie, cheese pie
cake: gateau, wedding cake, pastry, torte
cookie: cracker, shortbread, chocolate chip cookie, macaroon, baked treat, gingerbread, oatmeal cookie
ice cream: sundae, frozen dessert, sorbet, frozen treat, vanilla ice cream, ice-cream cone, popsicle
mushroom: champignon, fly agaric, porcini, fungi
cactus: succulent, desert plant
tree: elm, beech, birch, chestnut, big green tree, willow
sunflower: large yellow flower, daisy, blooming sunflower, sun flower
star: shining star, asterisk, five-pointed star, gold star
moon: half moon, new moon, lunar sickle, moon in the sky
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
