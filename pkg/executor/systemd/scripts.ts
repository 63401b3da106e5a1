/** For a POSIX shell: the text as it is, whatever it holds. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export interface Launch {
  /** The run's folder. */
  folder: string;
  bootId: string;
  env: Record<string, string>;
  argv: string[];
}

/** The exit code of a service that had no room for its claim, as EX_TEMPFAIL of sysexits.h. */
const noRoomStatus = 75;

/**
 * What the service executes with `sh`: it becomes the program. The one place where variables and arguments stand.
 *
 * - `set -C` makes `>` an open with O_EXCL: whoever creates `started` goes on, everybody else leaves. Its second line
 *   is the invocation of the service, by which the writer of the record knows whether the end is this program's.
 * - Who cannot write its claim takes it back.
 * - Variables of the manager are taken away, but for PWD, which is the shell's.
 * - `failed` is written when exec itself failed: an exit trap does not survive a successful exec.
 */
export function launchText({ folder, bootId, env, argv }: Launch): string {
  const started = quote(`${folder}/started`);
  return [
    'exec 4>&2 2>/dev/null',
    'set -C',
    'read -r RIVER_STAT </proc/self/stat',
    `if true >${started}; then :; else exit 0; fi`,
    'set +C',
    `printf '%s %s\\n%s\\n' ${quote(bootId)} "$RIVER_STAT" "$INVOCATION_ID" >>${started} || {`,
    `  command -p rm -f ${started}; exit ${noRoomStatus}`,
    '}',
    `trap ${quote(`echo failed >${quote(`${folder}/failed`)}`)} EXIT`,
    'for RIVER_NAME in RIVER_STAT $(command -p env | command -p cut -d= -f1); do',
    '  case $RIVER_NAME in PWD | [0-9]* | *[!A-Za-z0-9_]*) ;; *) unset "$RIVER_NAME" ;; esac',
    'done',
    'unset RIVER_NAME',
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec ${argv.map(quote).join(' ')} 2>&4 4>&-`,
    '',
  ].join('\n');
}

/**
 * The ExecStopPost of every service, with `sh`: writes how the program ended and the figures of the control group, in
 * which it runs itself, then renames the record into place. It holds no data of a Run.
 *
 *   $1  the run's folder      $2  where the record is renamed to      $3  the name of the service
 *
 * - systemd gives $EXIT_CODE (exited, killed, dumped) and $EXIT_STATUS (a number, or a signal's name).
 * - A claim of another invocation: this one executed nothing, and has no end to tell.
 * - In a machine that shuts down every service is stopped: that is no end of the program's own.
 * - Only a group that is the service's own is read: where a hierarchy is not systemd's, it is that of everything.
 * - Without room it tries again, until systemd ends it; the service is then left as failed and keeps the code.
 */
export const recorderText = `exec 2>/dev/null
trap '' HUP INT TERM
CLAIMED=
{ read -r CLAIM && read -r CLAIMED; } <"$1/started"
[ -n "$CLAIMED" ] && [ "$CLAIMED" = "$INVOCATION_ID" ] || exit 0
STATE=$(systemctl is-system-running)
note() {
  for FILE in "$@"; do
    [ -r "$FILE" ] || continue
    echo "file $FILE"
    while read -r LINE; do echo "$LINE"; done <"$FILE"
  done
}
figures() {
  while IFS=: read -r NUMBER CONTROLLERS GROUP; do
    GROUP=\${GROUP%/.control}
    case $GROUP in */"$1") ;; *) continue ;; esac
    case ,$CONTROLLERS, in
      *,memory,*)
        GROUP=/sys/fs/cgroup/memory$GROUP
        note "$GROUP/memory.max_usage_in_bytes" "$GROUP/memory.oom_control" ;;
      *,cpuacct,*) note "/sys/fs/cgroup/$CONTROLLERS$GROUP/cpuacct.usage" ;;
      ,,)
        for ROOT in /sys/fs/cgroup/unified /sys/fs/cgroup; do
          note "$ROOT$GROUP/memory.peak" "$ROOT$GROUP/memory.events" "$ROOT$GROUP/cpu.stat"
        done ;;
    esac
  done </proc/self/cgroup
}
until {
  WHOLE=yes
  echo "ended $EXIT_CODE $EXIT_STATUS" || WHOLE=
  [ ! -e "$1/failed" ] || echo failed
  [ "$STATE" != stopping ] || echo stopping
  figures "$3"
  echo end && [ -n "$WHOLE" ]
} >"$1/exit"; do sleep 1; done
mv -f "$1/exit" "$2"
`;
