/**
 * The text that `sh -c` runs for every process Run. It holds no data of the Run: everything comes as positional
 * parameters, so this text never parses what a user wrote. (The launcher's file has it too, in single quotes.)
 *
 *   $1  the run's folder           $2  where the exit record is renamed to      $3  the boot id
 *   $4 $5 $6 $7  cgroup files to join ('' = none)   $8 $9 ${10}  cgroup files to note at the end ('' = none)
 *   the rest: program and arguments.   fd 1, 2: the output files.   fd 3: a pipe to the runner.
 *
 * - `set -C` makes `>` an open with O_EXCL: whoever creates `started` may run the program, everybody else leaves.
 * - Signals to the process group of the wrapper are caught, not ignored: what is caught is reset in the program.
 * - The program is run by `exec` in a subshell, which never means a builtin of the shell. Only the subshell joins
 *   the cgroups: the wrapper is outside of the limits, and stopping everything in the cgroup leaves the recorder.
 * - Writing 0 to `tasks` moves only the writer, which spares the kernel's lock over all processes (8 ms).
 * - `$?` is 128+n for a signal and for a program that exits so. But a shell says a sentence ("Killed") on its own
 *   standard error only for a signal: that goes to `diag`. It is silent for SIGINT and SIGPIPE; 130 and 141 are
 *   therefore taken as those signals.
 * - A full disk: whoever cannot write its claim takes it back and executes nothing; `diag` has its room from the
 *   start; the record of the end is tried until there is room, or no folder for it any more. Only its first line
 *   can lack the room: the rest is less than a block.
 * - `failed` is written when exec itself failed: an exit trap does not survive a successful exec.
 * - Names begin with RIVER_WRAPPER so that no variable of the user is changed.
 */
const wrapperText = `set -C
trap : HUP INT QUIT TERM PIPE ALRM USR1 USR2
exec 4>&2 2>/dev/null
read -r RIVER_WRAPPER_STAT </proc/self/stat
if true >"$1/started"; then :; else echo "refused $1" >&3; exit 0; fi
set +C
if printf '%s %s\\n' "$3" "$RIVER_WRAPPER_STAT" >>"$1/started" && printf '%99s' '' >"$1/diag"; then echo "started $1" >&3
else command -p rm -f "$1/started"; echo "full $1" >&3; exit 0; fi
exec 3>&- 2<>"$1/diag"
unset RIVER_WRAPPER_STAT
RIVER_WRAPPER_DIR=$1
(
  trap 'echo failed >"$RIVER_WRAPPER_DIR/failed"' EXIT
  for RIVER_WRAPPER_FILE in "$4" "$5" "$6" "$7"; do
    [ -z "$RIVER_WRAPPER_FILE" ] || echo 0 >"$RIVER_WRAPPER_FILE" || exit 125
  done
  unset RIVER_WRAPPER_FILE
  shift 10
  exec "$@" 2>&4 4>&-
)
RIVER_WRAPPER_STATUS=$?
exec 4>&-
RIVER_WRAPPER_DIAG=
read -r RIVER_WRAPPER_DIAG <"$1/diag"
until {
  RIVER_WRAPPER_WHOLE=yes
  echo "status $RIVER_WRAPPER_STATUS" || RIVER_WRAPPER_WHOLE=
  [ -z "$RIVER_WRAPPER_DIAG" ] || echo diag
  [ ! -e "$1/failed" ] || echo failed
  echo times
  times
  for RIVER_WRAPPER_FILE in "$8" "$9" "\${10}"; do
    [ -n "$RIVER_WRAPPER_FILE" ] || continue
    echo "file $RIVER_WRAPPER_FILE"
    while read -r RIVER_WRAPPER_LINE; do echo "$RIVER_WRAPPER_LINE"; done <"$RIVER_WRAPPER_FILE"
  done
  echo end && [ -n "$RIVER_WRAPPER_WHOLE" ]
} >"$1/exit" || [ ! -d "$1" ]; do command -p sleep 1; done
command -p mv -f "$1/exit" "$2"
`;

/** What `sh` is called with. `join` has at most four files, `note` three. */
export function wrapperArguments(
  folder: string,
  exitPath: string,
  bootId: string,
  cgroup: { join: string[]; note: string[] },
  argv: string[],
): string[] {
  const padded = (files: string[], length: number) =>
    Array.from({ length }, (_, index) => files[index] ?? '');
  return [
    '-c',
    wrapperText,
    'river-process',
    folder,
    exitPath,
    bootId,
    ...padded(cgroup.join, 4),
    ...padded(cgroup.note, 3),
    ...argv,
  ];
}
