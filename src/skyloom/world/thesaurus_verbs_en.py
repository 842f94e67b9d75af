"""English verbs that rewording understands and training never says.

Part of thesaurus_en; as blind to the held-out lists.
"""

from __future__ import annotations

from skyloom.world.thesaurus_rows import rows

MOTION = rows("""
stand: be at rest, not move, be still, rest quietly, stand there, linger, hold its place, idle, stand idly, freeze,
    freeze in place, stay in place, stand upright, stand tall, keep its position, stop moving, sit quietly, sit still,
    pose, pose for a photo, hang around, loiter, stand guard, stand firm, not budge, halt, pause, stand around, do
    nothing, just stand there, stay where it is, rest, take a rest, lie still, be parked, perch, hold a pose, be
    immobile, stay frozen, not stir, be stationary
walk: go for a walk, step along, pace, saunter, stride, trudge, tread, hike, ramble, wander, wander about, walk
    around, walk slowly, take a walk, go strolling, plod, plod along, toddle, waddle, tiptoe, creep, creep along,
    strut, swagger, shuffle along, lumber, tramp, trek, roam, roam about, mosey, move at a walk, take steps, limp,
    hobble, stagger along, parade, prowl, sneak, stalk along, wander around, walk back and forth, meander, traipse,
    move along slowly, crawl along, ambulate, tread along, stroll about
run: run fast, tear along, scurry, speed, charge, scamper, race along, hurtle, scuttle, trot, trot along, scoot, zoom
    along, zip along, whizz along, go at a run, break into a run, run at full tilt, run like the wind, tear off, tear
    across, pelt along, hasten, race off, hurtle along, barrel along, speed along, speed off, career along, canter,
    run away, run for its life, run quickly, run a race, take off running, stampede, lope, scramble along, go full
    speed, hotfoot it, leg it, run as fast as it can, move at high speed, go fast, escape at a run, dart along
jump: leap, leap into the sky, jump high, vault up, leap straight up, jump off the ground, do a high jump, vault,
    hurdle, pounce, launch itself upward, push off the ground, take a leap, make a jump, make a big jump, jump for
    joy, jump into the air, jump upward, jump off, do jumping jacks, hurl itself upward, hop up, leap high, leap for
    joy, leap about, kick off from the ground, fling itself upward, catapult itself up, do a leap, do jumps, jump over
    and over, jump again and again, throw itself up into the air, rear up, start up from the ground, clear a hurdle,
    jerk upward, make leaps, leap into the air, hop high, jump in the air, take jumps, leapfrog
hop: skip along, caper, jump along like a rabbit, hop about, skip about, hop on one leg, hop like a bunny, go hopping,
    bunny-hop, skip merrily, frolic along, gambol, move in hops
bounce: ricochet off the floor, bounce repeatedly, keep bouncing, boing, rebound off the floor, ricochet, jounce,
    dribble, bounce like a ball, bounce around, bounce off the floor, bounce off the ground, bounce like rubber, hit
    the ground and come back up, keep springing back, jump like a rubber ball, go boing boing, bounce high, bounce
    about, recoil off the ground, bounce on a trampoline, fall and rebound, jiggle up and down, be bouncy, strike the
    floor and rebound, come back up from the ground, bounce back, bounce back up, hop like a ball, go up and down like
    a ball, pogo, bounce over and over, recoil
fall: drop, come down, sink down, crash to earth, drop like a stone, be pulled down, topple from the sky, nosedive,
    dive down, fall from the sky, crash down, crash to the ground, fall to earth, fall to the ground, fall through the
    air, fall out of the sky, topple, topple over, collapse, go down, descend, descend quickly, slump, slump to the
    ground, drop down, drop from above, drop from the sky, drop fast, be dropped, plop down, sink to the ground, sink,
    hurtle downward, hurtle to the ground, take a fall, lose height, lose altitude, dive, dive toward the ground,
    swoop down, keel over, fall headlong, fall over, tip over, trip and fall, pitch down, plop, plonk down, fall flat,
    hit the ground, rain down, head straight down, come falling, go downward, cascade down, go crashing to the floor,
    drop like a rock, be in free fall, touch down, come down to the ground, free-fall
roll: turn over and over on the floor, roll around, roll over, somersault, cartwheel, go rolling, go rolling along,
    roll on, roll across the floor, roll over and over, roll over the floor, roll like a wheel, roll like a ball, roll
    like a barrel, roll like a log, turn over and over, turn cartwheels, do cartwheels, do somersaults, turn
    somersaults, flip over and over, roll downhill, roll down the hill, wheel along, bowl along, move by rolling, keep
    rolling, roll about, move along like a wheel, turn over on the ground, roll along the floor, go head over heels,
    wallow, roll itself along, roll sideways, spin along the ground like a wheel
slide: slither, skate along, drift to a stop, slide across the floor, slither along, slide on ice, skate, skate on
    ice, skim over the ground, go sliding, slide sideways, slide smoothly
fly: sail through the sky, wheel overhead, take flight, hover across the sky, cruise through the sky, go by air,
    flutter, flap through the air, flit, flutter along, soar through the air, soar overhead, fly around, fly overhead,
    fly high, fly by, fly across the sky, hover, hover in the air, cruise, cruise overhead, move through the air, move
    through the sky, go through the air, take to the air, take to the skies, take off, be airborne, swoop, swoop
    through the air, dart through the air, zip through the air, zoom through the sky, wheel through the sky, circle in
    the sky, traverse the sky, ride the wind, ride on the air, stay aloft, go flying, sail through the air, sail
    overhead, skim through the air, streak across the sky, fly in the sky, fly like a bird, be in flight, pass
    overhead, aviate
float: rise up, rise into the sky, float away, hover up, lift off gently, go up like a balloon, ascend, rise slowly,
    drift, drift upward, drift away, drift into the sky, drift through the air, hover upward, rise gently, rise like a
    balloon, rise through the air, rise into the air, rise gradually, rise higher and higher, float into the air,
    float into the sky, float off, float like a balloon, float high, float gently, climb slowly, climb into the air,
    go up slowly, go upward, lift off, lift into the air, lift off the ground, be lifted up, hang in the air, ascend
    slowly, ascend into the sky, ascend gently, move upward slowly, buoy up, be lighter than air, be carried upward,
    blow upward, be borne aloft, hang suspended, mount into the sky, mount upward, defy gravity, go higher and higher,
    leave the ground slowly, move up into the sky, climb upward, climb, rise
swim: splash about, bathe, do the crawl, wade, float along in the sea, move through water, swim around, do laps,
    dog-paddle, do the breaststroke, swim about, splash through the water, go for a swim, take a swim, dive and swim,
    move its fins
spin: turn round and round, pivot, gyrate, turn in circles, do pirouettes, swivel, turn on its axis, swirl, swirl
    around, pirouette, turn, turn around, turn around and around, turn round, turn in place, go around in circles, go
    round in circles, reel, spin like a top, spin round, spin in circles, spin in place, spin about, spin fast, spin
    on its axis, spin like a wheel, twist, twist around, twist and turn, wheel around, do spins, do a spin, do turns,
    make circles, make turns, make a full turn, turn like a wheel, turn like a windmill, do a twirl, perform a
    pirouette, turn full circle, swing around, keep turning, keep spinning, go into a spin, turn like a carousel
orbit: move in circles about {o}, ring {o}, run rings round {o}, circle {o}, move round {o}, go round {o}, fly around
    {o}, walk around {o}
grow: get bigger, become larger, become gigantic, increase in size, inflate, enlarge itself, bulge, scale up, turn
    huge, enlarge, increase, grow larger, grow huge, grow tall, grow up, grow in size, grow and grow, grow gigantic,
    get huge, get large, get enormous, become bigger, become enormous, become big, become massive, blow up, blow up
    like a balloon, bloat, stretch, stretch out, stretch up, lengthen, broaden, gain size, gain in size, double in
    size, turn gigantic, turn enormous, turn larger, turn bigger, thicken, fatten, get fatter, fill out, go from small
    to big, multiply in size, extend, develop, amplify, spread out, keep growing, spread, triple in size, change from
    little to large
shrink: become tiny, get tinier, decrease in size, deflate, become little, reduce in size, lessen, scale down, wither,
    contract, compress, reduce, reduce itself, decrease, get little, get tiny, get small, become miniature, become
    small, become microscopic, become minuscule, become a miniature, turn tiny, turn small, turn miniature, turn
    smaller, grow smaller, grow tiny, shrivel, shrivel up, wither away, wane, minimize, miniaturize, shrink away,
    shrink down, shrink to nothing, shrink in size, lose size, go from big to small, narrow, condense, cut down in
    size, halve in size, scale itself down, be reduced, be compressed, lessen in size, become a dot, shrink to a dot,
    contract in size, squeeze down, drop in size, shorten, get shorter, get ever smaller, change from large to little,
    be miniaturized, deflate like a balloon, thin out, compact itself, crumple up, waste away
approach: come near, get close to us, move in on the viewer, come nearer, head for the camera, move closer, get
    closer, move toward the camera, come up to the camera, come near the camera, head toward us, come toward us, move
    nearer, walk up to the viewer, come up close
recede: leave, head off into the distance, depart, get farther away, withdraw, fade into the distance, go away, move
    off, disappear in the distance, go far away, move into the background, back away from us, move farther off, head
    away from the camera
chase: hunt {o}, race after {o}, try to catch {o}, go after {o}, hunt down {o}, run behind {o}, tail {o}, be after {o}
pass_behind: cross behind {o}, walk in back of {o}, be hidden by {o}, disappear behind {o}, walk behind {o}, cross in
    back of {o}
ride: mount {o}, be carried by {o}, be on the back of {o}, sit on {o}, sit on top of {o}, climb on {o}, straddle {o},
    ride upon {o}
collide: run into {o}, knock into {o}, strike {o}, bang into {o}, hit {o}, ram {o}, bash into {o}, knock against {o},
    smack into {o}, have a crash with {o}
push: drive {o} along, thrust {o} ahead, move {o} by pushing, shove {o} along, roll {o} along, heave {o}, shift {o},
    force {o} along
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
