/** One place of the code, and what is put there. `find` occurs exactly once in the file. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** A guarantee that is broken on purpose. */
export interface Breakage {
  name: string;
  edits: readonly Edit[];
}

const one = (name: string, file: string, find: string, replace: string): Breakage => ({
  name,
  edits: [{ file, find, replace }],
});

/** What the simulator has to notice, one at a time; see `mutate.ts`. */
export const breakages: readonly Breakage[] = [
  one(
    'no record of the intent before the start',
    'pkg/runner/next-steps.ts',
    "if (!intent) return [{ kind: 'RecordIntent', starting: true }, { kind: 'Start' }];",
    "if (!intent) return [{ kind: 'RecordIntent', starting: false }, { kind: 'Start' }];",
  ),
  one(
    'intents do not survive a restart of the runner',
    'pkg/runner/intents.ts',
    '    migrateIntents(database, file);\n',
    "    migrateIntents(database, file);\n    database.exec('DELETE FROM intents');\n",
  ),
  one(
    'no re-check at binding',
    'pkg/apiserver/writes/bind.ts',
    'const verdict = fits(need, node, held);',
    'const verdict = fits(need, node, nothingHeld);',
  ),
  one(
    'a Run is bound whatever has become of it',
    'pkg/apiserver/writes/bind.ts',
    '  if (obstacle) {',
    '  if (obstacle === "") {',
  ),
  one(
    'a Lost Run takes up no room',
    'pkg/placement/charges.ts',
    "isBound(run.status?.phase ?? 'Pending')",
    "isBound(run.status?.phase ?? 'Pending') && run.status?.phase !== 'Lost'",
  ),
  one(
    'no session check of reports',
    'pkg/apiserver/writes/run-rules.ts',
    'if (current !== undefined && reportedSession === current) return;',
    'return;',
  ),
  one(
    'a late runner takes the Node back',
    'pkg/runner/session.ts',
    'const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, status };',
    'const patch = { metadata: {}, status };',
  ),
  one(
    'the Run table is not checked',
    'pkg/apiserver/writes/run-rules.ts',
    "if (refusal) {\n    session.metrics.refused('transition');",
    "if (refusal === '') {\n    session.metrics.refused('transition');",
  ),
  {
    name: 'no O_EXCL claim: the machine starts whatever it is told to',
    edits: [
      {
        file: 'test/sim/machine.ts',
        find: 'if (present && !this.#mutation.startsTwice) return present;',
        replace: '',
      },
    ],
  },
  {
    name: 'controllers act on unsynced caches, and believe in what is not there',
    edits: [
      { file: 'pkg/controller/manager.ts', find: '    await informers.synced();\n', replace: '' },
      {
        file: 'pkg/controllers/reaper/run-reaper.ts',
        find: '    return !run.metadata.ownerReferences?.some((owner) => owner.uid === task?.metadata.uid);\n',
        replace: '    return task !== null;\n',
      },
    ],
  },
  one(
    'a runner acts on an unsynced cache: what it has not been told of is gone',
    'pkg/runner/next-steps.ts',
    "  if (desired.synced) return observed.intent || observed.execution ? [{ kind: 'ConfirmGone' }] : [];\n",
    '  return whenGone(situation);\n',
  ),
  one(
    'an absence in the cache of a runner is believed in',
    'pkg/runner/next-steps.ts',
    "  if (desired.synced) return observed.intent || observed.execution ? [{ kind: 'ConfirmGone' }] : [];\n",
    '  if (desired.synced) return whenGone(situation);\n',
  ),
  {
    name: 'the store answers before it has committed',
    edits: [
      {
        file: 'pkg/store/group-commit.ts',
        find: '    this.#begin.run();\n',
        replace: '    if (!this.#database.inTransaction) this.#begin.run();\n',
      },
      {
        file: 'pkg/store/group-commit.ts',
        find: '    if (this.#database.inTransaction) this.#commit.run();\n',
        replace:
          '    this.#options.clock.after(500, () => !this.#stopped && this.#database.inTransaction && this.#commit.run());\n',
      },
    ],
  },
  one(
    'no check of the version that a write was decided on',
    'pkg/apiserver/writes/preconditions.ts',
    'if (wanted.resourceVersion && wanted.resourceVersion !== String(version)) {',
    'if (wanted.resourceVersion === "") {',
  ),
  one(
    'a list below the compaction floor is answered',
    'pkg/store/list-reader.ts',
    'if (version < floor) {',
    'if (version < 0) {',
  ),
  one(
    'no lease check',
    'pkg/controllers/node/node-controller.ts',
    'if (leftMs > 0) return { requeueAfterMs: leftMs };\n    const silence',
    'if (leftMs > -1e9) return { requeueAfterMs: Math.max(leftMs, 1_000) };\n    const silence',
  ),
  one(
    'the end of the teardown is not awaited',
    'pkg/controllers/reaper/run-reaper.ts',
    "if (!run.spec.placement || isConditionTrue(run.status?.conditions, 'TornDown')) return true;",
    'return true;',
  ),
  one('retries are not counted', 'pkg/controllers/task/attempts.ts', 'retries: retries + 1,', 'retries,'),
  one(
    'ordinals that have ended are forgotten with their Runs',
    'pkg/controllers/task/plan.ts',
    'new Set([...outcome.completed, ...outcome.ended])',
    'new Set<number>()',
  ),
  one(
    'a Run of a new revision does not wait for that of the old one',
    'pkg/controllers/task/plan.ts',
    '[...outcome.current, ...outcome.leftover]',
    '[...outcome.current]',
  ),
  one(
    'a Run is deleted before its Task knows how it ended',
    'pkg/controllers/reaper/run-reaper.ts',
    '    if (!isRecorded(run, task)) {\n',
    '    if (!isRecorded(run, task) && ttl === "") {\n',
  ),
  one(
    'the boot of a start is not looked at',
    'pkg/runner/next-steps.ts',
    '  if (intent?.startBootId !== undefined && intent.startBootId !== node.bootId) return true;\n',
    '',
  ),
  one(
    'what has ended is removed before the host knows',
    'pkg/runner/next-steps.ts',
    "  if (!intent) return [{ kind: 'RecordIntent', starting: true }];\n  return [{ kind: 'Report',",
    "  if (!intent) return [{ kind: 'RecordIntent', starting: true }];\n  return [{ kind: 'Remove' }, { kind: 'Report',",
  ),
  one(
    'a Run is counted again at every report of its end',
    'pkg/apiserver/writes/usage.ts',
    "isTerminal(before.status?.phase ?? 'Pending') || !isTerminal(phase)",
    '!isTerminal(phase)',
  ),
  one(
    'a cut watch is not followed by a new list',
    'pkg/runner/run-cache.ts',
    "        this.#parts.logger.debug('the watch of runs has ended', { error: error?.message });\n        this.#again();\n",
    "        this.#parts.logger.debug('the watch of runs has ended', { error: error?.message });\n",
  ),
  one(
    'no fence check: a node that is alive can be fenced',
    'pkg/apiserver/writes/node-rules.ts',
    'if (isAlive(old))',
    "if (isAlive(old) && name === '')",
  ),
  {
    name: 'a node that is fenced is given work',
    edits: [
      {
        file: 'pkg/placement/gates.ts',
        find: 'if (node.spec?.fencedAt !== undefined) {',
        replace: "if (node.spec?.fencedAt === '') {",
      },
      {
        file: 'pkg/placement/gates.ts',
        find: "if (ready?.status !== 'True') {",
        replace: "if (ready?.status !== 'True' && node.spec?.fencedAt === undefined) {",
      },
    ],
  },
  one(
    'what is pinned is not counted as taken',
    'pkg/placement/charges.ts',
    "pinnedCpus: pinned ? (parseCpuList(cpus ?? '') ?? []) : [],",
    'pinnedCpus: [],',
  ),
  one(
    'GPUs of a Run are not counted as taken',
    'pkg/placement/charges.ts',
    'gpus: gpus.map(({ uuid, memoryBytes: share }) => ({',
    'gpus: gpus.slice(1e9).map(({ uuid, memoryBytes: share }) => ({',
  ),
  one(
    'shares of the memory of a GPU are not added up',
    'pkg/placement/assign/gpus.ts',
    'need.shared ? sharedBytes + (need.memoryBytes ?? 0) <= gpu.memory',
    'need.shared ? (need.memoryBytes ?? 0) <= gpu.memory',
  ),
  one(
    'a broken GPU is given out',
    'pkg/placement/assign/gpus.ts',
    "return health === 'Healthy' && isModel",
    'return isModel',
  ),
  one(
    'what is confined to a NUMA node is not counted there',
    'pkg/placement/charges.ts',
    '...(numaNodes.length === 1 ? { numaNode: numaNodes[0] } : {}),',
    '',
  ),
  one(
    'taints keep nobody away',
    'pkg/placement/gates.ts',
    'const taints = untolerated(node,',
    'const taints = untolerated({ ...node, spec: {} },',
  ),
  one(
    'nobody is moved off pinned CPUs',
    'pkg/runner/confinement.ts',
    '      await executor.confine(uid, cpus);\n',
    '',
  ),
  one(
    'nobody gets CPUs back that are not pinned any more',
    'pkg/runner/confinement.ts',
    "if (isFree && !intent.confined) return 'left alone';",
    "if (isFree) return 'left alone';",
  ),
  one(
    'parallelism is not kept',
    'pkg/controllers/task/plan.ts',
    'return parallelism - activeRuns(outcome).length - outcome.leftover.length;',
    'return parallelism;',
  ),
  one(
    'a program is not held to the CPUs that it was given',
    'pkg/runner/exec-spec.ts',
    'cpus === undefined ? {} : { cpus }),\n    ...(numaNodes?.length',
    'cpus === undefined ? {} : {}),\n    ...(numaNodes?.length',
  ),
  one(
    'a node that is not Ready is given work',
    'pkg/placement/gates.ts',
    "if (ready?.status !== 'True') {",
    'if (!ready) {',
  ),
  one(
    'no fence check of reports: the runner of a fenced node has a say',
    'pkg/apiserver/writes/run-rules.ts',
    "if (!isFenced || !isActive(old.status?.phase ?? 'Pending')) return;",
    'return;',
  ),
  {
    name: 'a fence is lifted before the machine is clean',
    edits: [
      {
        file: 'pkg/controllers/node/node-controller.ts',
        find: 'if (node.status?.cleanedUpFor !== fencedAt || this.#runsOn(name).length > 0)',
        replace: 'if (this.#runsOn(name).length > 0)',
      },
      {
        file: 'pkg/apiserver/writes/node-rules.ts',
        find: 'const isClean = old?.status?.cleanedUpFor === before;',
        replace: 'const isClean = true;',
      },
    ],
  },
  {
    name: 'a runner says that it is clean without a look at its machine',
    edits: [
      {
        file: 'pkg/runner/workplace.ts',
        find: '      if (found.some(({ runUid }) => !this.#memories.isQuarantined(runUid))) return false;\n',
        replace: '      if (found.length < 0) return false;\n',
      },
      {
        file: 'pkg/runner/workplace.ts',
        find: '    return !this.#hasUnfinished();\n',
        replace: '    return true;\n',
      },
    ],
  },
  one(
    'a runner says that it is clean while a start is under way',
    'pkg/runner/workplace.ts',
    '    return !this.#hasUnfinished();\n',
    '    return true;\n',
  ),
  {
    name: 'pauses count as time of a Run',
    edits: [
      {
        file: 'pkg/runner/deadlines.ts',
        find: 'if (execution.startedAt === undefined || timeoutMs === undefined || pausedAt !== undefined)',
        replace: 'if (execution.startedAt === undefined || timeoutMs === undefined)',
      },
      {
        file: 'pkg/runner/deadlines.ts',
        find: 'return timeoutMs + pausedMs - ranMs;',
        replace: 'return timeoutMs - ranMs;',
      },
    ],
  },
  one(
    'after a restore of the host, what it does not know is removed',
    'pkg/runner/next-steps.ts',
    'const sameEpoch = intent?.epoch === node.epoch;',
    'const sameEpoch = intent?.epoch !== undefined;',
  ),
  one(
    'a restored host is not told again what it knew before',
    'pkg/runner/next-steps.ts',
    'if (intent?.acknowledgedEpoch === epoch) {',
    'if (intent?.acknowledgedEpoch !== undefined) {',
  ),
  {
    name: 'a runner of a version that is too far away is given work',
    edits: [
      {
        file: 'pkg/apiserver/writes/node-rules.ts',
        find: 'const skew = versionSkew(status?.versions?.river, options.version);',
        replace: "const skew = versionSkew(status?.versions?.river, '');",
      },
      {
        file: 'pkg/runner/runner.ts',
        find: 'const skew = versionSkew(own, host);',
        replace: "const skew = versionSkew(own, '');",
      },
    ],
  },
  one(
    'what a drain has to stop goes on',
    'pkg/controllers/node/node-controller.ts',
    '    if (node.spec?.drain) await',
    '    if (node.spec?.drain && node.spec.unschedulable) await',
  ),
  one(
    'what a drain has stopped is not made again',
    'pkg/controllers/task/attempts.ts',
    "(reason === 'Suspended' || run.spec.evicted)",
    "reason === 'Suspended'",
  ),
  one(
    'a node that is drained is given work',
    'pkg/placement/gates.ts',
    'if (node.spec?.drain) return',
    'if (node.spec?.drain && node.spec.unschedulable) return',
  ),
  one(
    'a Run goes elsewhere than to its target',
    'pkg/placement/gates.ts',
    'need.target !== undefined && need.target.node !== name',
    "need.target?.node === ''",
  ),
  one(
    'the time limit of a Run is not kept',
    'pkg/runner/deadlines.ts',
    'return timeoutMs + pausedMs - ranMs;',
    'return undefined;',
  ),
  one(
    'what a task that is stopped has running goes on',
    'pkg/controllers/task/plan.ts',
    'task.spec.stopped === true || run.spec.revision',
    'run.spec.revision',
  ),
  one(
    'a Run of an old revision goes on',
    'pkg/controllers/task/plan.ts',
    'run.spec.revision !== revision || run.spec.desired',
    'run.spec.desired',
  ),
  one(
    'a pause does not halt the program',
    'pkg/runner/next-steps.ts',
    "return execution.state === 'paused' ? mark : [...mark, { kind: 'Pause' }];",
    'return mark;',
  ),
  one(
    'a runner says Paused before the program has halted',
    'pkg/runner/next-steps.ts',
    "run.spec.desired === 'Paused' && execution.state === 'paused' && intent",
    "run.spec.desired === 'Paused' && intent",
  ),
  one(
    'what was paused does not go on',
    'pkg/runner/next-steps.ts',
    "if (execution.state === 'paused') return [{ kind: 'Resume' }];",
    "if (execution.state === 'paused') return [];",
  ),
  one(
    'a host that has just started gives nobody a lease',
    'pkg/controllers/node/node-controller.ts',
    'return Math.max(this.#seenAt.get(name) ?? 0, leases',
    'return Math.max(0, leases',
  ),
  one(
    'what has a time to live stays',
    'pkg/controllers/reaper/run-reaper.ts',
    '{ requeueAfterMs: leftMs } : await this.#delete(run);',
    '{ requeueAfterMs: leftMs } : undefined;',
  ),
  one(
    'the end of a time to live is not awaited',
    'pkg/controllers/reaper/run-reaper.ts',
    'since + parseDuration(ttl) - this',
    'since - this',
  ),
  one(
    'a retry does not wait',
    'pkg/controllers/task/attempts.ts',
    'const delayMs = backoffMs(retry, retries);',
    'const delayMs = 0 * backoffMs(retry, retries);',
  ),
  one('a rerun is not carried out', 'pkg/controllers/task/revision.ts', ' || status.rerun !== asked;', ';'),
  one(
    'a change of a task is not carried out',
    'pkg/controllers/task/revision.ts',
    '(sameRules && status.executionHash !== hash) || status',
    'status',
  ),
  one(
    'a teardown is told before all is removed',
    'pkg/runner/next-steps.ts',
    "  if (execution) return [...acknowledge, { kind: 'Remove' }];\n  if (mayStill",
    "  if (execution && !run.metadata.deletionTimestamp) return [...acknowledge, { kind: 'Remove' }];\n  if (mayStill",
  ),
  one(
    'a start that may be on its way is not called off by a stop',
    'pkg/runner/next-steps.ts',
    '  if (observed.intent?.startBootId && !memory.stopped) return stopSteps(situation, reason);\n',
    '',
  ),
  one(
    'a start that may be on its way is not called off by a fence or a deletion',
    'pkg/runner/next-steps.ts',
    'return intent?.startBootId === node.bootId && intent',
    "return intent?.startBootId === '' && node && intent",
  ),
  one(
    'after a restore nobody is told of what was left alone',
    'pkg/runner/node-status.ts',
    'const some = names.slice(0, 10)',
    'const some = names.slice(0, 0)',
  ),
  one(
    'a restored host is of the same epoch as before',
    'pkg/store/backup.ts',
    "      writeMeta(database, 'epoch', epoch);\n",
    '',
  ),
  one(
    'memory is not counted as taken',
    'pkg/placement/charges.ts',
    'charge(parseCores(cores), parseQuantity(memory), run',
    'charge(parseCores(cores), 0 * parseQuantity(memory), run',
  ),
];
