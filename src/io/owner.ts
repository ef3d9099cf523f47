import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The file that marks a directory as made by a holdfast process, and by which. */
export const OWNER_RECORD = 'holdfast-owner.json'

/** Every directory that holdfast makes and removes has a name that starts so. */
export const DIRECTORY_PREFIX = 'holdfast-'

/** Which process made a directory. Process ids are used again: the start time tells two of them apart. */
export interface Owner {
  readonly pid: number
  readonly startTime: string
  /** The process-id namespace: ids of another container mean nothing here. */
  readonly namespace: string
  /** The boot of the machine, since start times count from it. */
  readonly boot: string
}

/**
 * When a process started, as text that is only good for comparing; undefined when there is no such process or
 * it is a zombie. Field 22 of /proc/PID/stat on Linux, `ps -o lstart=` elsewhere.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', `${pid}`], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    return stdout?.toString().trim().split(/\s+/).join(' ') || undefined
  }
  const stat = readOr(`/proc/${pid}/stat`)
  // The name of the program, in parentheses, may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return /^[ZX]$/.test(fields[0] ?? '') ? undefined : fields[19]
}

export const thisProcess = (pid = process.pid): Owner => ({
  pid,
  startTime: startTimeOf(pid) ?? '',
  ...where(),
})

/** Marks `dir` as belonging to this process, or another one. A record that is there already stays. */
export function recordOwner(dir: string, pid?: number): void {
  try {
    const owner = JSON.stringify(thisProcess(pid))
    writeFileSync(join(dir, OWNER_RECORD), `${owner}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** The owner that `dir` names, or undefined where there is no readable record. */
export function ownerOf(dir: string): Owner | undefined {
  try {
    return ownerFrom(JSON.parse(readFileSync(join(dir, OWNER_RECORD), 'utf8')))
  } catch {
    return undefined
  }
}

/** The owner that a record names, or undefined where it names none. */
export function ownerFrom(value: unknown): Owner | undefined {
  const { pid, startTime, namespace, boot } = (value ?? {}) as Owner
  const texts: unknown[] = [startTime, namespace, boot]
  if (!Number.isSafeInteger(pid) || pid <= 0 || !texts.every(text => typeof text === 'string'))
    return undefined
  return { pid, startTime, namespace, boot }
}

/** True only where it is certain that the owner is gone; an owner in another container never is. */
export function isDead(owner: Owner): boolean {
  const here = where()
  if (owner.namespace !== here.namespace) return false
  return owner.boot !== here.boot || startTimeOf(owner.pid) !== owner.startTime
}

function where(): Pick<Owner, 'namespace' | 'boot'> {
  if (process.platform !== 'linux') return { namespace: '', boot: '' }
  return {
    namespace: readlinkSync('/proc/self/ns/pid'),
    boot: readOr('/proc/sys/kernel/random/boot_id').trim(),
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
