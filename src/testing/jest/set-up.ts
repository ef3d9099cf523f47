/** Jest loads its set-up and its teardown by themselves: what one leaves for the other is in the process. */
const KEY = Symbol.for('holdfast.jest.tearDown')

type TearDown = () => Promise<void>

export const keep = (tearDown: TearDown): void => void Object.assign(globalThis, { [KEY]: tearDown })

/** Tears down what was set up. */
export async function kept(): Promise<void> {
  const tearDown = Reflect.get(globalThis, KEY) as TearDown | undefined
  Reflect.deleteProperty(globalThis, KEY)
  await tearDown?.()
}
