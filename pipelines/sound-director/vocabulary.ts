import type { SoundClass } from './plan.js';

/** A word of a prompt and the sounds it brings, each with its level in dB. */
interface Cue {
  readonly words: RegExp;
  readonly sounds: Partial<Record<SoundClass, number>>;
}

const cue = (words: string, sounds: Partial<Record<SoundClass, number>>): Cue => ({
  words: new RegExp(`(?<![\\w-])(?:${words})(?![\\w-])`, 'giu'),
  sounds,
});

/**
 * Which words bring which sounds. A level of 0 is a sound the word names; what a place merely implies is lower,
 * so that a named sound stays in front.
 */
export const CUES: readonly Cue[] = [
  cue(
    'seas?|oceans?|surf|seaside|seascape|shores?|shoreline|coast(?:s|line)?|beach(?:es)?|tides?|bay|harbou?rs?',
    {
      waves: 0,
      wind: -10,
    },
  ),
  cue(
    '(?:ocean |sea |crashing |breaking |rolling |big |giant |the )waves|waves (?:crash|break|roll|lap)\\w*|waves|breakers|swell',
    {
      waves: 0,
    },
  ),
  cue('lighthouses?|sailboats?|sailing|ships?|boats?|yachts?|islands?|cliffs?', { waves: -2, wind: -8 }),
  cue('rivers?|lakes?|waterfalls?|streams?|brooks?|ponds?|fountains?|canals?', { waves: -6 }),
  cue(
    'wind|winds|windy|windswept|breez(?:e|y)|gusts?|gusty|gale|blizzards?|snowstorms?|tornado(?:es)?|hurricanes?',
    {
      wind: 0,
    },
  ),
  cue(
    'deserts?|dunes?|mountains?|peaks?|plains?|prairies?|hills?|valleys?|canyons?|snow(?:y|ing|fall|flakes?)?|clouds?|kites?|gliders?|windmills?|flags?',
    {
      wind: -5,
    },
  ),
  cue(
    'rain|rains|raining|rainy|rainfall|raindrops?|drizzl(?:e|ing)|downpours?|showers?|umbrellas?|monsoons?',
    { rain: 0 },
  ),
  cue('storms?|stormy|thunderstorms?|tempests?', { thunder: -2, rain: 0, wind: -3 }),
  cue('thunder|thunderclaps?|lightning', { thunder: 0, rain: -8 }),
  cue(
    'fires?|campfires?|bonfires?|fireplaces?|flames?|burning|hearths?|torch(?:es)?|candles?|embers|lava|volcano(?:es)?',
    { fire: 0 },
  ),
  cue(
    'birds?|birdsong|sparrows?|robins?|songbirds?|larks?|nightingales?|swallows?|parrots?|chirping|tweeting',
    { birds: 0 },
  ),
  cue('seagulls?|gulls?', { waves: -3, birds: -4 }),
  cue(
    'forests?|woods|woodlands?|jungles?|gardens?|parks?|meadows?|orchards?|spring|dawn|sunrise|trees?|countryside|farms?',
    {
      birds: -4,
      wind: -12,
    },
  ),
  cue('crickets?|cicadas?|grasshoppers?|insects?|fireflies', { crickets: 0 }),
  cue(
    'summer night|night (?:in|over|at) (?:a |the )?(?:fields?|gardens?|forests?|meadows?|countryside|woods|park)|(?:campsite|camping)',
    {
      crickets: -3,
    },
  ),
  cue('bells?|church(?:es)?|cathedrals?|chapels?|bell towers?|monaster(?:y|ies)|chimes?|temples?|carillon', {
    bells: -1,
  }),
  cue(
    'traffic|cars?|trucks?|bus(?:es)?|taxis?|highways?|motorways?|freeways?|intersections?|vehicles?|motorcycles?|trams?|engines?',
    {
      traffic: 0,
    },
  ),
  cue(
    'city|cities|streets?|downtown|urban|alley(?:way)?s?|skyscrapers?|skyline|metropolis|avenue|tokyo|new york|london|paris',
    {
      traffic: -3,
    },
  ),
  cue(
    'footsteps?|walk(?:s|ing|ed)?|runs?|running|runners?|jogg(?:ing|er|ers)|march(?:es|ing)?|hik(?:er|ers|ing)|pedestrians?|strolls?|strolling',
    {
      footsteps: -2,
    },
  ),
  cue(
    'music|chords?|pianos?|piano music|guitars?|melod(?:y|ies)|songs?|orchestras?|concerts?|violins?|danc(?:e|es|ing|ers?)|ballet|musicians?',
    {
      chords: 0,
    },
  ),
  cue('room tone|rooms?|interiors?|indoors|offices?|librar(?:y|ies)|museums?|kitchens?|bedrooms?|caf[eé]s?', {
    room: -6,
  }),
];

/** Uses of these words that make no sound of their own; taken out before the cues are looked for. */
export const SILENT_USES =
  /(?<![\w-])(?:waves? (?:hello|goodbye|at|to|her|his|their)|microwaves?|brain ?waves?|sound ?waves?|heat ?waves?|fire ?(?:trucks?|engines?|works?|fighters?)|bell peppers?|dumb-?bells?|blue ?bells?|rainbows?|rain ?coats?|rain ?forests?|wind ?shields??|street food?|spring (?:onions?|rolls?)|sea ?weed|sea ?food|sea ?horses?|toy (?:cars?|trucks?|boats?|ships?|trains?))(?![\w-])/giu;

/** Words that make a scene's sounds stronger or softer, as the audio pack was taught them. */
export const STRONGER =
  /(?<![\w-])(?:loud|heavy|violent|intense|fierce|raging|wild|rough|choppy|stormy|roaring|howling|pouring|crashing|busy|rush|huge|giant|massive|fast)(?![\w-])/iu;
export const SOFTER =
  /(?<![\w-])(?:soft|softly|gentle|gently|calm|quiet|light|distant|slow|slowly|peaceful|serene|tranquil|still|faint|hushed)(?![\w-])/iu;

/** How the audio pack is asked for each sound. */
export const SOUND_PROMPTS: Readonly<Record<SoundClass, string>> = {
  waves: 'ocean waves',
  wind: 'wind',
  rain: 'rain',
  thunder: 'rolling thunder',
  fire: 'crackling fire',
  birds: 'birds singing',
  crickets: 'crickets chirping at night',
  bells: 'a church bell',
  traffic: 'city traffic',
  footsteps: 'footsteps',
  chords: 'soft music',
  room: 'room tone',
};
