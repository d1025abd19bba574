/** What a reader found: the payload in lower-case hex, and how sure it is in standard deviations of chance. */
export type Detection =
  | { readonly found: true; readonly payload: string; readonly confidence: number }
  | { readonly found: false; readonly confidence: number };
