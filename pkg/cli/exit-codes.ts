/** What a script can tell from the exit code; docs/cli.md lists them for people. */
export const exitCodes = {
  ok: 0,
  /** The host refused it, or what was asked for did not happen. */
  failed: 1,
  /** Wrong flags, or a manifest that is not valid: nothing was changed. */
  invalid: 2,
  /** The host does not answer, or does not accept the token. */
  unreachable: 3,
  /** `--timeout` has passed; the number of timeout(1). */
  timeout: 124,
  /** Ctrl-C; 128 + SIGINT, as shells count. */
  interrupted: 130,
} as const;
