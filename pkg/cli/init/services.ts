export interface ServicePlaces {
  /** The Node that runs this program, and the program beside it: a service has no PATH of a shell. */
  node: string;
  program: string;
  config: string;
  /** false: a service of the user's own systemd. */
  isRoot: boolean;
}

export function hostService(places: ServicePlaces): string {
  return `[Unit]
Description=River host: keeps what people want, and sees to it that it happens
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${commandLine(places)}
Restart=always
RestartSec=2
LimitNOFILE=65536

${installSection(places)}`;
}

export function runnerService(places: ServicePlaces): string {
  return `[Unit]
Description=River runner: runs on this machine what the host has bound to it
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart=${commandLine(places)}
Restart=always
RestartSec=2
# What runs goes on while the runner is restarted: only the runner itself is ended, and the groups below it are its own.
KillMode=process
Delegate=yes
# A program that is out of memory is one that has failed, no reason to end the others.
OOMPolicy=continue
TasksMax=infinity
LimitNOFILE=1048576

${installSection(places)}`;
}

function commandLine({ node, program, config }: ServicePlaces): string {
  return [node, program, '--config', config].map(quoted).join(' ');
}

/** systemd reads words between quotes, and % and $ also there. */
function quoted(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /[\s"';]/.test(escaped) ? `"${escaped.replaceAll('"', '\\"')}"` : escaped;
}

function installSection({ isRoot }: ServicePlaces): string {
  return `[Install]\nWantedBy=${isRoot ? 'multi-user' : 'default'}.target\n`;
}
