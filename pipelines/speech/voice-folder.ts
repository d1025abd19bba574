import { join } from 'node:path';
import { CACHE_DIR } from '../../core/paths.js';

/** Where set-up puts the English voice. */
export const VOICE_FOLDER = join(CACHE_DIR, 'voice', 'en');
