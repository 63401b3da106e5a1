/** Configuration files to start from: what is commented out is the default. Tests read them with every such # taken off. */

export interface ConfigPlaces {
  stateDir: string;
}

export function hostConfig({ stateDir }: ConfigPlaces): string {
  return `# Configuration of river-host; every field: schemas/host.json. What stands after a # without a space is the
# default, or an example where there is none.

# Where the API is served, over TLS. 0.0.0.0 is every address of this machine; 127.0.0.1 lets nobody else in.
listen: {address: 0.0.0.0, port: 8000}

# Where runners open their tunnels, on the same address.
#gateway: {port: 8002}

# Names and addresses under which people and machines reach this host, besides its host name, localhost and its own
# addresses: what its certificate is for.
#tls: {names: []}

# The store, the host's keys and its lock. On a local disk, never on NFS.
stateDir: ${stateDir}

# The directory that host and runners share, where there is one. Output of runs is under its logs.
#sharedDir: /srv/river

# debug, info, warn, error or silent.
#logLevel: info

# A node that is silent for so long is not Ready, and its runs are Lost.
#leaseDuration: 30s

# Written into a Task when it is made.
#defaults: {runtime: docker, privileged: false, mounts: []}

# The Docker Engine that builds Environments. Layers that none of them uses any more go after cacheAge, or at any age
# while the engine's disk has less than minFree.
#docker: {socket: /var/run/docker.sock, cacheAge: 7d, minFree: 10G}

# Where runs of a task that does not say go: leastLoaded, pack, spread or roundRobin.
#scheduler: {policy: leastLoaded}

# How long the store keeps old versions, for watches that resume.
#compaction: {interval: 5m, keep: 10000}
`;
}

export function runnerConfig({ stateDir }: ConfigPlaces): string {
  return `# Configuration of river-runner; every field: schemas/runner.json. What stands after a # without a space is
# the default, or an example where there is none.
# river-runner join URL TOKEN writes host and name into this file.

# Address of the host's API.
#host: https://lab.example:8000

# Name of the Node: the one that this machine has joined under.
#name: node1

# The machine's key, intents, records of processes, and output where no directory is shared. On a local disk.
stateDir: ${stateDir}

# The directory that host and runners share, where there is one; its shared_data is /shared in containers.
#sharedDir: /srv/river

# For temporary files of runs: /local_temp in containers.
#localTempDir: ${stateDir}/temp

# How runs may be started here. Plain processes have the rights of the runner's user,
# services of systemd those of root.
#runtimes: {docker: {enabled: true, socket: /var/run/docker.sock}, process: {enabled: false}, systemd: {enabled: false}}

# Labels of the Node, for nodeSelector.
#labels: {}

# Kept for the machine itself: runs are not charged to it.
#reserved: {cores: 0, memory: 0}

# Room that has to be free on the volumes of stateDir, localTempDir and of the output of runs: with less no new runs come.
# Default: a twentieth of each volume, at most 1Gi.
#minFree: 1Gi

# Time between SIGTERM and SIGKILL.
#stopGrace: 10s

# Environments: unused ones go after keepUnused, or at any age while the engine's disk has less than minFree;
# bandwidth: bytes a second that are read from the host at most, where no directory is shared (0: no limit).
#environments: {keepUnused: 7d, minFree: 10G, bandwidth: 0}

# What the machine has, in place of what is read from it: see "GPUs of other vendors" in docs/operations.md.
#topology: {}

# debug, info, warn, error or silent.
#logLevel: info
`;
}
