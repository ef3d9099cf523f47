import { shellWord } from '../core/quoting.js'
/** What migration tools have applied, by their tables, and whether one migration is among it. */
import type { Row } from '../core/service.js'
import type { Findings } from './findings.js'
import { type Condition, type Dialect, type Ledger, unique } from './ledgers.js'

/** An expression for a name of a migration; none where its columns are not there. */
function nameOf({ column }: Ledger, parts: readonly string[], { text }: Dialect): string | undefined {
  const columns = parts.map(column)
  if (columns.includes(undefined)) return undefined
  return columns.length === 1 ? text(columns[0] ?? '') : `concat(${columns.join(", '.', ")})`
}

function select(ledger: Ledger, condition: Condition | undefined, dialect: Dialect): string {
  const name = nameOf(ledger, ledger.names[0] ?? [], dialect)
  const order = ledger.order.map(ledger.column).find(found => found !== undefined)
  const last = order ? ` ORDER BY ${order} DESC LIMIT 1` : ' LIMIT 1'
  const where = `${name} IS NOT NULL${condition ? ` AND (${condition(it => ledger.column(it) ?? it)})` : ''}`
  // Where the table keeps a history of positions, only its last row counts.
  return ledger.position
    ? `SELECT ${name} FROM (SELECT * FROM ${ledger.from}${last}) AS last_row WHERE ${where}`
    : `SELECT ${name} FROM ${ledger.from} WHERE ${where}${last}`
}

/** How tools write one migration: as a file, without its ending, by its number. */
export function spellings(migration: string): string[] {
  const bare = migration.replace(/(\.(up|down))?\.(sql|[cm]?[jt]s|py|rb|php|exs|cs|xml|ya?ml)$/i, '')
  const number = /^[VB]?(\d[\d._]*?)(?:__|_[^\d]|$)/.exec(bare)?.[1]?.replaceAll('_', '.')
  const lead = /^(\d+)[_-]/.exec(bare)?.[1]
  const word = /^([0-9a-z]+)_/.exec(bare)?.[1]
  const numbers = [number, lead].filter(it => it !== undefined)
  const others = [
    bare,
    ...['sql', 'js', 'ts', 'cjs', 'mjs'].map(ending => `${bare}.${ending}`),
    ...numbers,
    ...numbers.map(it => it.replace(/^0+(?=\d)/, '')),
    word ?? '',
  ]
  return unique([migration, ...others.filter(Boolean)])
}

type Ask = (text: string) => Promise<readonly Row[]>

interface State {
  readonly latest: string | undefined
  readonly broken: string | undefined
}

async function stateOf(ledger: Ledger, dialect: Dialect, ask: Ask): Promise<State> {
  const one = async (text: string) => (await ask(text))[0]?.[0] ?? undefined
  const latest = await one(
    ledger.counted ? `SELECT count(*) FROM ${ledger.from}` : select(ledger, ledger.applied, dialect),
  )
  const broken = ledger.broken && (await one(select(ledger, ledger.broken.when, dialect)))
  return { latest, broken }
}

async function isApplied(
  ledger: Ledger,
  expected: string,
  latest: string | undefined,
  dialect: Dialect,
  ask: Ask,
) {
  const wanted = spellings(expected)
  if (ledger.position) {
    const number = wanted.find(it => /^\d+$/.test(it))
    return number !== undefined && /^\d+$/.test(latest ?? '') && BigInt(latest ?? 0) >= BigInt(number)
  }
  // Drizzle's journal counts its migrations from 0000, in the names of their files.
  const index = ledger.counted ? /^(\d{4})(_|$)/.exec(expected)?.[1] : undefined
  if (index !== undefined) return Number(latest) > Number(index)
  const names = ledger.names.map(parts => nameOf(ledger, parts, dialect)).filter(it => it !== undefined)
  const list = wanted.map(dialect.literal).join(', ')
  const fits = [`(${names.map(name => `${name} IN (${list})`).join(' OR ')})`]
  if (ledger.applied) fits.push(`(${ledger.applied(it => ledger.column(it) ?? it)})`)
  const [row] = await ask(`SELECT count(*) FROM ${ledger.from} WHERE ${fits.join(' AND ')}`)
  return Number(row?.[0]) > 0
}

/** What is wrong where `expected` has not been applied, or a migration stopped half-way; else undefined. */
export async function missingMigration(
  expected: string,
  ledgers: readonly Ledger[],
  dialect: Dialect,
  ask: Ask,
): Promise<string | undefined> {
  const seen: string[] = []
  for (const ledger of ledgers) {
    const { latest, broken } = await stateOf(ledger, dialect, ask)
    if (broken !== undefined) {
      seen.push(`${ledger.tool}'s ${broken} is ${ledger.broken?.word}`)
    } else if (await isApplied(ledger, expected, latest, dialect, ask)) {
      return undefined
    } else {
      seen.push(
        ledger.counted
          ? `${ledger.tool} has applied ${latest ?? 0}`
          : latest === undefined
            ? `${ledger.tool} has applied none`
            : `${ledger.tool} is at ${latest}`,
      )
    }
  }
  return `migration ${expected} (${seen.join(', ') || "no migration tool's table is visible"})`
}

/** Tells which migration was the last, by the first table that can be read, and of each that stopped half-way. */
export async function migrationHealth(
  ledgers: readonly Ledger[],
  dialect: Dialect,
  ask: Ask,
  findings: Findings,
): Promise<void> {
  for (const ledger of ledgers) {
    const state = await findings.allowed(() => stateOf(ledger, dialect, ask))
    if (!state) continue
    if (findings.facts.migrationTool === undefined)
      findings.put({ migrationTool: ledger.tool, migration: state.latest })
    if (state.broken === undefined || !ledger.broken) continue
    const fix = REPAIR[ledger.tool]?.(state.broken)
    findings.add({
      id: `migration-${ledger.broken.word}`,
      level: 'error',
      message: `${ledger.tool}'s migration ${state.broken} is ${ledger.broken.word}: it stopped half-way`,
      advice: 'Finish by hand what it began, or take it back; then tell the tool so.',
      ...(fix ? { fix } : {}),
    })
  }
}

/** Each tool's command that resolves a migration which stopped. */
const REPAIR: Readonly<Record<string, (migration: string) => string>> = {
  Flyway: () => 'flyway repair',
  'golang-migrate': version =>
    `migrate -path migrations -database "$DATABASE_URL" force ${shellWord(version)}`,
  Prisma: name => `npx prisma migrate resolve --rolled-back ${shellWord(name)}`,
}
