/** A word as a POSIX shell reads it back: unchanged where it needs no quotes. */
export const shellWord = (text: string): string =>
  /^[\w.:/@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** A string literal of standard SQL, as PostgreSQL reads it with its default settings. */
export const sqlLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A string literal of MySQL, right also under NO_BACKSLASH_ESCAPES where the text has no backslash. */
export const mysqlLiteral = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`

/** A string literal of ClickHouse. */
export const clickhouseLiteral = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
