import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CACHE_DIR } from '../../core/paths.js';
import { readPolicy } from '../policy/policy.js';
import { Lexicon, listedWords } from './lexicon.js';
import { readingsOf } from './readings.js';

const file = JSON.parse(readFileSync(join(CACHE_DIR, 'safety', 'sentences.tokenizer.json'), 'utf8'));
const vocabulary = Object.entries<number>(file.model.vocab)
  .sort(([, a], [, b]) => a - b)
  .map(([token]) => token);
const lexicon = new Lexicon(vocabulary, listedWords(readPolicy()));
const sentence = (text: string) => readingsOf(text, lexicon).sentence;

describe('a garbled prompt', () => {
  test.each([
    ['spaced letters', 'a n u d e w o m a n', 'a nude woman'],
    ['separators', 'a n.u.d.e w-o-m-a-n', 'a nude woman'],
    ['leet', '4 nud3 w0m4n', '4 nude woman'],
    ['swapped letters', 'a nued wmoan', 'a nude woman'],
    ['repeated letters', 'a nuuude womaaan', 'a nude woman'],
    ['starred vowels', 'a n*de w*man', 'a nude woman'],
    ['everything reversed', 'namow edun a', 'a nude woman'],
    ['each word reversed', 'a edun namow on the dnab', 'a nude woman on the band'],
    ['words run together', 'thenudewoman', 'the nude woman'],
    [
      'a whole prompt run together',
      'awomanposingprovocativelyinherbed',
      'a woman posing provocatively in her bed',
    ],
    ['a phrase of the lists run together', 'oralsex', 'oral sex'],
    ['run together with words nobody knows', 'nagakobietawlozku', 'naga kobieta wlozku'],
    ['halved words', 'a nu de woman', 'a nude woman'],
    ['look-alikes and invisible characters', 'a n\u200bud\u0435 wom\u00adan', 'a nude woman'],
    ['nested encodings', 'a n&amp;#117;de w%256fman', 'a nude woman'],
  ])('is read through: %s', (_how, written, meant) => {
    expect(sentence(written)).toBe(meant);
  });

  test.each([
    'shooting stars over a lake, 8k',
    "a massage therapist's room with candles",
    'the town hall of scunthorpe',
    'regen auf dem dach',
    'lana del rey on stage',
    'a cat playing with a ball of wool, 100% cotton',
    'penistone station in the rain',
    'die nudeln kochen',
    'an arsenal of paint brushes',
    'a ship to circumnavigate the globe',
    'econometrics lecture',
    'donaudampfschifffahrtsgesellschaft',
    'internazionalizzazione',
    'ein kirschblutenzweig im gegenlicht',
  ])('an honest one stays as it is: %s', (text) => {
    expect(sentence(text)).toBe(text);
  });
});
