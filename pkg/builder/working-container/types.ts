/** Where `river shell` goes. */
export interface WorkingContainers {
  /**
   * ID of the running working container of an Environment, for the engine. Raises `NotFound` for an Environment that is
   * none, and `Conflict` with what to do when it is not interactive, suspended, or not built yet.
   */
  container(name: string): Promise<string>;
}
