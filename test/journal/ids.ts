/** The id of a writer's record. */
export const idOf = (writer: number, n: number): string =>
  `00000000-0000-4000-8000-${writer.toString(16).padStart(4, '0')}${n.toString(16).padStart(8, '0')}`
