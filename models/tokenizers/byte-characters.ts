function byteAlphabet(): string[] {
  const visible = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(visible(byte) ? byte : next++));
}

/** Printable stand-ins for all 256 bytes, as GPT-2 chose them: visible Latin-1 stays, the rest move up to U+0100. */
export const BYTE_CHARACTERS: readonly string[] = byteAlphabet();
