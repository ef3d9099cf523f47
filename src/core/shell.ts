/** A word as a POSIX shell reads it back: unchanged where it needs no quotes. */
export const shellWord = (text: string): string =>
  /^[\w.:/@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
