import { farthest } from '../../core/near.js'
import type { Rule } from '../rule.js'
import { shownValue } from '../secrets.js'

type Test = (value: string) => boolean

const isOn: Test = value => /^(1|true|yes|on|y|t)$/i.test(value)
const isDevelopment: Test = value => /^(dev|develop|development|local|debug)$/i.test(value)

/** Source: each framework's manual. */
const DEBUG: Readonly<Record<string, Test>> = {
  DEBUG: isOn,
  DJANGO_DEBUG: isOn,
  FLASK_DEBUG: isOn,
  APP_DEBUG: isOn,
  PYTHONASYNCIODEBUG: isOn,
  FLASK_ENV: isDevelopment,
  NODE_ENV: isDevelopment,
  RAILS_ENV: isDevelopment,
  RACK_ENV: isDevelopment,
  APP_ENV: isDevelopment,
  ASPNETCORE_ENVIRONMENT: isDevelopment,
  DOTNET_ENVIRONMENT: isDevelopment,
  MIX_ENV: isDevelopment,
  GIN_MODE: isDevelopment,
  NODE_OPTIONS: value => /--inspect\b|--inspect-brk\b/.test(value),
}

/** What the variables of an environment's name hold in production; all others are switches. */
const PRODUCTION: Readonly<Record<string, string>> = {
  FLASK_ENV: 'production',
  NODE_ENV: 'production',
  RAILS_ENV: 'production',
  RACK_ENV: 'production',
  APP_ENV: 'production',
  ASPNETCORE_ENVIRONMENT: 'Production',
  DOTNET_ENVIRONMENT: 'Production',
  MIX_ENV: 'prod',
  GIN_MODE: 'release',
}

const UNVERIFIED: Readonly<Record<string, string>> = {
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  PYTHONHTTPSVERIFY: '0',
}

export const program: readonly Rule[] = [
  {
    id: 'debug-on',
    stage: 'deploy',
    level: 'warning',
    title: 'a switch for development is on',
    why: 'DEBUG, DJANGO_DEBUG, APP_DEBUG, NODE_ENV=development, RAILS_ENV=development and their kind: pages of errors show settings and statements, and caches are off.',
    advice: 'Switch it off, or leave it out.',
    bad: { env: { DJANGO_DEBUG: 'True' } },
    good: { env: { DJANGO_DEBUG: 'False', NODE_ENV: 'production' } },
    *check({ env }) {
      for (const [name, isDebug] of Object.entries(DEBUG)) {
        const value = env[name] ?? ''
        if (isDebug(value))
          yield {
            message: `${name} is ${shownValue(name, value)}`,
            fix: PRODUCTION[name] ? `export ${name}=${PRODUCTION[name]}` : `unset ${name}`,
            where: `env:${name}`,
          }
      }
    },
  },
  {
    id: 'certificates-ignored',
    stage: 'deploy',
    level: 'error',
    title: 'certificates are not verified by anything in the program',
    why: 'NODE_TLS_REJECT_UNAUTHORIZED=0 and PYTHONHTTPSVERIFY=0 hold for every connection of the process, whatever an address asks for.',
    advice: 'Remove it, and name the authority: NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, sslrootcert.',
    bad: { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    good: { env: { NODE_EXTRA_CA_CERTS: '/etc/ssl/company.pem' } },
    *check({ env }) {
      for (const [name, value] of Object.entries(UNVERIFIED))
        if (env[name] === value)
          yield { message: `${name}=${value}`, fix: `unset ${name}`, where: `env:${name}` }
    },
  },
  {
    id: 'localhost-in-container',
    stage: 'deploy',
    level: 'warning',
    title: 'localhost as the address of a service, in a container',
    why: 'localhost is the container itself. Right only where the service runs beside the program: in its image, in its pod, or on the network of the host.',
    advice:
      'Name the service: the name in the Compose file, or of the Kubernetes Service. Silence it for a sidecar.',
    bad: { env: { DATABASE_URL: 'postgres://app@localhost/app' }, container: true },
    good: { env: { DATABASE_URL: 'postgres://app@db/app' }, container: true },
    *check({ targets, machine }) {
      if (!machine.container) return
      for (const { target, where } of targets) {
        const onPort = target.hosts.some(host => 'host' in host)
        if (onPort && farthest(target) === 'local')
          yield { message: 'its address leads to this container itself', target: target.name, where }
      }
    },
  },
]
