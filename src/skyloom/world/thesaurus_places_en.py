"""English places and weathers that rewording understands and training never says.

Part of thesaurus_en; as blind to the held-out lists.
"""

from __future__ import annotations

from skyloom.world.thesaurus_rows import rows

PLACE = rows("""
meadow: on a green lawn, on the pasture, in a field of grass and flowers, between flowers, in the green grass, in a
    park, on the prairie, in a flower garden, on the grass, in the grass, on a lawn, in a field, in a green field, in
    a field of flowers, in a flowery field, on a village green, in a garden, on the green, over the grass, through the
    tall grass, in a glade, on green turf, in a hayfield, in a paddock, in the flower field
desert: in the sand desert, on hot dry sand, in a dry canyon, in the gobi, in egypt between sand hills, under the hot
    desert sun, in the sahara, across the sand, in dry wilderness, in the hot sand, in the outback, where nothing
    grows, in the scorching sands, in the badlands, in the mojave, in a sea of sand, in the dry sands, in an oasis
beach: on the seashore, on the sands, at the shoreline, on a tropical beach, on yellow sand by the water, by the
    beach, on a holiday beach, on the sand by the sea, on the waterfront, on a strand, near the surf, by the surf, on
    white sand by the ocean, on the sand with waves, on a palm beach
sea: on the water, far out at sea, on a wide blue sea, on the atlantic, sailing on blue water, on the big sea, on
    rolling water, on the open ocean, on deep water, out on the water, on open water, over the water, on the bay,
    offshore, on the vast ocean, in open waters, on a lake
underwater: down in the water, deep in the sea, between corals, at the bottom of the sea, submerged in blue water, in
    an aquarium, down with the fish, on the seabed, deep under water, in the deep sea, in the deep ocean, in deep
    water, in the depths, in the ocean depths, in the depths of the sea, down in the deep, submerged, in a fish tank,
    in the blue deep
snowy forest: between snow-covered trees, in a white forest, in the woods with snow, between spruces in the snow, in a
    wintry forest, in the frozen taiga, between snowy firs, in snowy woods, in a snowy wood, in a wintry wood, between
    snowy trees, in a frozen forest, in woods covered in snow, through snowy woods, in a snow-covered forest, in
    lapland
jungle: in the tropical forest, in thick green plants, between vines and palms, in the bush of africa, in borneo, in
    the wild green forest, in lush undergrowth, in a tropical wood, between tropical plants, in dense greenery, in
    thick vegetation, in the congo, in the thicket, in dense foliage, in overgrown wilderness, in the tropical bush,
    in a lush green forest
mountains: in the hills, on a mountain, between cliffs and rocks, in the himalayas, on the mountainside, below tall
    mountain tops, in the rocky mountains, on a mountaintop, on a mountain top, on the mountain, on the mountains, in
    the high country, in front of tall peaks, on a peak, on a cliff, on rocky slopes, on a slope, in a mountain
    valley, high in the hills, high on a ridge, on a ridge, in the andes, in mountain country, on the heights, against
    a mountain range, before a mountain range, on everest, in a mountain pass
farm: on the ranch, by the fields of a farm, in a field of crops, next to the henhouse, on farmland, in a village with
    fields, in the barnyard, on a farmstead, in the fields, in a corn field, in a wheat field, in a stable, by the
    stables, next to the pigsty, by the haystacks, on the homestead, on a dairy, in the yard with chickens, at a
    farmhouse, by the farmhouse, in a village, on a country estate, in an orchard, on a plantation
city street: on the road between buildings, in the city, in the middle of traffic, on the sidewalk, on an avenue, in
    the street, between office buildings, on main street, on a busy street, on a busy road, on an urban street, on the
    streets, on the pavement, between skyscrapers, between tall buildings, in the metropolis, in a big city, in new
    york, in an urban area, through the city, along a street, along the road, along a city block, on the asphalt, on a
    crosswalk, at an intersection, in traffic, in the middle of the road, on the road, in a city square, on a high
    street, in london
neon street: between glowing signs at night, on a street with bright neon signs, in the neon city, in tokyo by night,
    between colored city lights, on a futuristic street, in las vegas, under neon lights, under neon signs, in neon
    light, in neon glow, in the glow of neon, on a neon-lit street, on a neon avenue, on a glowing street, in a
    glowing city at night, under glowing billboards, in the nightlife district, under flashing lights, in hong kong at
    night, under colorful lights, in the lights of the night city, in an electric city, under pink and blue lights, in
    times square
kitchen: in the cook's kitchen, on the kitchen floor, next to the fridge, on a kitchen counter, beside the sink, where
    dinner is cooked, in a house by the oven, next to the oven, near the oven, at the kitchen table, on the worktop,
    on the countertop, on the counter, beside the fridge, in front of the refrigerator, by the refrigerator, in the
    cookhouse, in a restaurant kitchen, in the pantry, in the galley, where food is cooked, where meals are made,
    between pots and plates, by the kitchen sink, on the kitchen tiles, in a bakery, at the cooker, in a canteen
stage: on a theatrical stage, in a playhouse, before an audience, at the opera, in a show hall, under the spotlights,
    in a ballet hall, in the theatre, in the spotlight, in the limelight, under stage lights, under the spotlight, in
    front of an audience, on the boards, at a show, in a show, during a show, at a concert, in a concert hall, in an
    auditorium, on the dance floor, in a play, in an opera house, in a circus ring, on a podium, in front of
    spectators, under bright spotlights, in an arena, in a performance hall, on the platform, at a performance
space: in the universe, on the moon's ground, out in the solar system, in zero gravity, on another world, between
    stars in black emptiness, between asteroids, between the stars, between planets, in orbit, in orbit around the
    earth, in deep space, in the void, in the emptiness of space, in the vastness of space, high above the earth,
    beyond the earth, beyond the atmosphere, in interstellar space, in weightlessness, on the moon, on mars, on a
    distant planet, on another planet, far from earth, in a nebula, in the vacuum, in the heavens, in a spaceship
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
rain: in pouring rain, in a rainstorm, with rain coming down, in a storm, in drizzle, on a rainy day, as it pours, in
    the pouring rain, in heavy rain, in light rain, in the drizzle, in a deluge, in a cloudburst, in stormy weather,
    in a torrential rain, in torrents of rain, in sheets of rain, with rain pouring down, with rain falling, with rain
    pelting down, with heavy rainfall, during rainfall, during a storm, under rain clouds, under pouring rain, under a
    rainy sky, when it rains, when it is raining, while it is raining, while it pours, while it drizzles, while rain
    falls, as it rains, as rain falls, as rain comes down, as the heavens open, through the rain, soaked by rain,
    drenched in rain, in rainy weather, in the wet, in the monsoon, rain is falling, rain pours, it rains, it is
    raining, on a wet day, in a squall
snow: in a snowstorm, with snow coming down, on a snowy day, in heavy snow, as it is snowing, in the snow, in
    snowfall, during snowfall, in drifting snow, in snowy weather, in light snow, in thick snow, in swirling
    snowflakes, as snowflakes fall, as snowflakes drift down, as it snows, as snow drifts down, as the snow falls,
    when it snows, while snow falls, while snowflakes fall, while snow comes down, with snow falling, with snowflakes
    falling, with snowflakes in the air, under falling snow, under snowy skies, in wintry weather, through falling
    snow, it snows, it is snowing, snow is falling, in sleet
petals: with petals in the air, in a rain of petals, as cherry petals come down, between flying flower petals, petals
    rain down, in drifting petals, in a storm of petals, with petals falling, with petals floating down, with petals
    drifting down, with blossoms falling, with flower petals fluttering, as blossoms fall, as flowers fall from the
    trees, as petals flutter down, as petals float down, as pink petals come down, while blossoms fall, while petals
    fall, while flower petals blow about, while petals flutter in the wind, under falling blossoms, under cherry
    blossoms, in cherry blossom, in pink petals, in swirling petals, with rose petals in the wind, with blossom on the
    wind, through falling flower petals, blossoms come down, sprinkled with petals
fog: in dense fog, in the clouds of fog, on a foggy day, through fog, with fog everywhere, in smog, in misty air, in
    foggy weather, in misty weather, in hazy air, in murk, wrapped in fog, shrouded in fog, hidden by fog, with fog
    rolling in, with fog drifting, with low clouds, under a blanket of fog, through thick fog, in a bank of fog, in
    white vapor, in clouds on the ground, while fog drifts, as fog rolls in, on a misty morning, on a hazy day, when
    it is foggy, when visibility is poor, in low visibility, in a cloud, while it is foggy
stars: below the stars, in starlight, under a sky of stars, with a starry sky above, on a starry night, under stars,
    under shining stars, under starlight, under a star-filled sky, under a sky full of stars, under glittering stars,
    by starlight, by the light of the stars, with stars above, with stars overhead, with stars shining, with countless
    stars overhead, with bright stars in the sky, as stars shine, as the stars come out, while the stars shine, while
    stars sparkle, below a starry sky, in the starry night, in a night full of stars, lit by stars, against a starry
    sky, stars glitter above, stars shine, stars are out, under a thousand stars, under the heavens, under sparkling
    heavens
sunset: as the sun goes down, at nightfall, in the red light of the sinking sun, in the last sunlight, as the day
    ends, at twilight, in the twilight, in the evening, in the evening sun, in evening light, in golden light, during
    sunset, during sundown, in the orange light, in the red evening light, under an orange sky, under a red sky, under
    a pink sky, under a sunset sky, as the sun sinks, as evening falls, as evening comes, as the day draws to a close,
    while the sun goes down, when the sun goes down, at the end of the day, at day's end, towards evening, late in the
    day, with the sun low on the horizon, with the sky glowing orange, in the last light of day, in the afterglow, by
    the last light, at eventide
night: in the middle of the night, by night, in darkness, in the dark, late at night, on a dark night, at nighttime,
    in the night, in the nighttime, during nighttime, in pitch darkness, in moonlight, in the moonlight, by moonlight,
    under the moon, under moonlight, under a dark sky, under a night sky, under the night sky, under a black sky,
    after nightfall, through the night, on a black night, late in the night, in deep night, in the dead of night, with
    the moon up, with the night all around, when it is night, when everyone sleeps, while it is night, while the world
    sleeps, overnight, in the gloom, in blackness, in shadowy dark, while the moon shines, it is night, at bedtime
""")
