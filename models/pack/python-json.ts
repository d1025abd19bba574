/** Strings, which are left alone, and the numbers that Python writes but JSON does not have. */
const STRINGS_AND_ODD_NUMBERS = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/**
 * JSON as Python's json module writes it: scheduler configs hold `-Infinity` for "no limit". NaN becomes null.
 * Throws SyntaxError for anything else that is not JSON.
 */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(
    text.replace(STRINGS_AND_ODD_NUMBERS, (found) => {
      if (found.startsWith('"')) return found;
      if (found === 'NaN') return 'null';
      // Too large for a double, so the parser makes it infinite.
      return found.startsWith('-') ? '-1e999' : '1e999';
    }),
  );
}
