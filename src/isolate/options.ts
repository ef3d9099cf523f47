export interface ManagerOptions {
  /** Hosts beyond this machine on which databases may be made and dropped. */
  readonly allowRemote?: readonly string[]
  /** Clones that are kept ready. Default 8. */
  readonly pool?: number
  /** Clones at the same time, of all templates. Default 64. */
  readonly most?: number
  /** True for a server that ends with the run: nothing on it needs to be dropped. */
  readonly ours?: boolean
  /** What becomes of finished templates at the end. Default `keep`. */
  readonly templates?: 'keep' | 'drop'
  /** Milliseconds that a claim waits for a place, or for a template that nobody is known to fill. Default 60000. */
  readonly claimMs?: number
  /** Hears what people should know, a line each. */
  readonly say?: (text: string) => void
}
