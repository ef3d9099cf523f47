/**
 * The other end of child.ts: reads the task, tells what `start` resolves with, and ends this process when the
 * pipe closes, which it does when holdfast ends in whatever way.
 */
export function serveParent<Task>(start: (task: Task) => Promise<object>): void {
  let text = ''
  let begun = false
  const tell = (said: object) => process.stdout.write(`${JSON.stringify(said)}\n`)
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (chunk: string) => {
    text += chunk
    if (begun || !text.includes('\n')) return
    begun = true
    start(JSON.parse(text)).then(tell, error => {
      tell({ error: error instanceof Error ? error.message : String(error) })
      process.exit(1)
    })
  })
  process.stdin.on('end', () => process.exit(0))
  process.stdin.on('error', () => process.exit(0))
}
