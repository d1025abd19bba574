/** Tiles along the short side: of a picture, and of a film, whose codecs keep less detail. */
export const PICTURE_TILES = 3;
export const FILM_TILES = 2;
/** The mark is measured on cells of whole pixels; this many along the short side keep every harmonic. */
const CELLS_PER_SHORT_SIDE = 480;

/** How a picture of some size is divided. */
export interface Layout {
  /** Pixels along one cell of luma; a cell of colour is twice as wide. */
  readonly factor: number;
  /** Cells of luma along one tile; even, so that colour fits too. */
  readonly side: number;
  /** Pixels along one tile. */
  readonly period: number;
}

export function layoutOf(width: number, height: number, tiles = PICTURE_TILES): Layout {
  const short = Math.min(width, height);
  const factor = Math.max(1, Math.round(short / CELLS_PER_SHORT_SIDE));
  const side = 2 * Math.max(2, Math.round(short / (2 * tiles * factor)));
  return { factor, side, period: side * factor };
}

/** Surroundings of a cell in which it is compared: slower parts of a picture carry nothing. */
export function radiusFor(side: number): number {
  return Math.max(2, Math.round(side / 16));
}
