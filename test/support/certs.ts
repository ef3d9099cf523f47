/** Certificates for tests, made once a run with the openssl command below the root. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveToServer, publish, tempFolder, testRoot } from './root.js'
import { runOk } from './run.js'

export interface Certificate {
  readonly certPath: string
  /** Mode 0600, owned by the user that servers run as; root may read it too. */
  readonly keyPath: string
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  /** Signed everything here but `selfSigned`, and nothing outside. */
  readonly ca: Certificate
  /** A CA that signed nothing: trusting only this one makes every other certificate unknown. */
  readonly otherCa: Certificate
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Certificate
  /** For other.example only. */
  readonly wrongHost: Certificate
  /** For localhost, and over since 2001. */
  readonly expired: Certificate
  /** For localhost, signed by itself. */
  readonly selfSigned: Certificate
  /** A client's, for the database role `app`. The key belongs to the user that runs the tests. */
  readonly client: Certificate
  /** A client's, for a role that nobody has. */
  readonly otherClient: Certificate
}

export type CertificateName = keyof Certificates

const LOCAL = 'DNS:localhost,IP:127.0.0.1,IP:::1'
const IS_CA = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']

interface Recipe {
  subject: string
  extensions: string[]
  signedBy?: 'ca'
  dates?: [from: string, to: string]
}

const RECIPES: Record<CertificateName, Recipe> = {
  ca: { subject: 'Holdfast test CA', extensions: IS_CA },
  otherCa: { subject: 'Another test CA', extensions: IS_CA },
  server: { subject: 'localhost', extensions: [`subjectAltName=${LOCAL}`], signedBy: 'ca' },
  wrongHost: { subject: 'other.example', extensions: ['subjectAltName=DNS:other.example'], signedBy: 'ca' },
  expired: {
    subject: 'localhost',
    extensions: [`subjectAltName=${LOCAL}`],
    signedBy: 'ca',
    dates: ['20000101000000Z', '20010101000000Z'],
  },
  selfSigned: { subject: 'localhost', extensions: [`subjectAltName=${LOCAL}`] },
  client: { subject: 'app', extensions: ['extendedKeyUsage=clientAuth'], signedBy: 'ca' },
  otherClient: { subject: 'nobody-has-this', extensions: ['extendedKeyUsage=clientAuth'], signedBy: 'ca' },
}

const NAMES = Object.keys(RECIPES) as CertificateName[]

let made: Promise<Certificates> | undefined

/** The run's certificates; the first caller makes them (about 0.2 s). */
export function certificates(): Promise<Certificates> {
  made ??= make()
  return made
}

async function make(): Promise<Certificates> {
  const folder = join(testRoot(), 'certs')
  if (!existsSync(folder)) {
    const draft = tempFolder('certs-draft', { forServer: true })
    await Promise.all(NAMES.filter(name => !RECIPES[name].signedBy).map(name => makeSelfSigned(draft, name)))
    await Promise.all(NAMES.filter(name => RECIPES[name].signedBy).map(name => makeLeaf(draft, name)))
    const forUs = ['client', 'otherClient']
    for (const name of NAMES) if (!forUs.includes(name)) giveToServer(join(draft, `${name}.key`))
    publish(draft, folder)
  }
  return Object.fromEntries(NAMES.map(name => [name, read(folder, name)])) as unknown as Certificates
}

const newKey = (folder: string, name: string) => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-batch'],
  ...['-subj', `/CN=${RECIPES[name as CertificateName].subject}`, '-keyout', join(folder, `${name}.key`)],
]

const extensions = (name: CertificateName) => RECIPES[name].extensions.flatMap(it => ['-addext', it])

/** openssl makes key files with mode 0600 by itself. */
async function makeSelfSigned(folder: string, name: CertificateName): Promise<void> {
  const config = join(folder, `${name}.cnf`)
  // Without a configuration of its own openssl would add the machine's default extensions a second time.
  writeFileSync(config, '[req]\ndistinguished_name = dn\n[dn]\n')
  const out = ['-days', '3650', '-out', join(folder, `${name}.crt`)]
  await runOk('openssl', [
    'req',
    '-x509',
    '-config',
    config,
    ...newKey(folder, name),
    ...extensions(name),
    ...out,
  ])
}

/** `openssl ca` and not `x509 -req`, because only it can date a certificate into the past. */
async function makeLeaf(folder: string, name: CertificateName): Promise<void> {
  const work = join(folder, `${name}.work`)
  mkdirSync(work)
  const config = join(work, 'ca.cnf')
  writeFileSync(join(work, 'index'), '')
  writeFileSync(
    config,
    `[req]\ndistinguished_name = dn\n[dn]\n
[ca]\ndefault_ca = it\n[it]\ndatabase = ${work}/index\nnew_certs_dir = ${work}\nrand_serial = yes
default_md = sha256\npolicy = any\nx509_extensions = ext\n[any]\ncommonName = supplied
[ext]\n${RECIPES[name].extensions.join('\n')}\n`,
  )
  const request = join(work, 'request')
  await runOk('openssl', ['req', '-new', '-config', config, ...newKey(folder, name), '-out', request])
  const [from, to] = RECIPES[name].dates ?? []
  const dates = from && to ? ['-startdate', from, '-enddate', to] : ['-days', '3650']
  const signer = ['-cert', join(folder, 'ca.crt'), '-keyfile', join(folder, 'ca.key')]
  const files = ['-in', request, '-out', join(folder, `${name}.crt`)]
  await runOk('openssl', ['ca', '-batch', '-notext', '-config', config, ...signer, ...dates, ...files])
}

function read(folder: string, name: CertificateName): Certificate {
  const certPath = join(folder, `${name}.crt`)
  const keyPath = join(folder, `${name}.key`)
  return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') }
}
