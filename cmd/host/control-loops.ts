import type { PlacementPolicy } from '../../pkg/api/index.ts';
import { type ApiService, LocalClient } from '../../pkg/apiserver/index.ts';
import type { Clock, Logger, Rng } from '../../pkg/base/index.ts';
import type { EnvironmentBuilder, EnvironmentContainers } from '../../pkg/builder/index.ts';
import { type Controller, EventRecorder, InformerSet, Manager } from '../../pkg/controller/index.ts';
import { EnvironmentController } from '../../pkg/controllers/environment/index.ts';
import { NodeController } from '../../pkg/controllers/node/index.ts';
import { EventReaper, RunReaper, UsageReaper } from '../../pkg/controllers/reaper/index.ts';
import { slimRun, slimTask, TaskController } from '../../pkg/controllers/task/index.ts';
import { Scheduler } from '../../pkg/scheduler/index.ts';

export interface LoopSeams {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Where Runs of Tasks that do not say go. */
  placementPolicy: PlacementPolicy;
}

export interface ControlLoops {
  start(): Promise<void>;
  /** Resolves when none of them is at work any more. */
  stop(): Promise<void>;
  /** What they are at work on. */
  underWay(): string[];
}

/** What is done on the engine of the host. */
export interface EngineParts {
  builder: EnvironmentBuilder;
  containers: EnvironmentContainers;
}

/** Every loop of the host, each with its own identity, on one set of caches. */
export function createControlLoops(service: ApiService, engine: EngineParts, seams: LoopSeams): ControlLoops {
  const clientOf = (name: 'task' | 'node' | 'reaper' | 'scheduler' | 'environment') =>
    new LocalClient(service, { role: 'controller', name });
  const recorders: EventRecorder[] = [];
  const eventsOf = (name: 'task' | 'node' | 'scheduler' | 'environment', component: string) => {
    const recorder = new EventRecorder({ ...seams, client: clientOf(name), component });
    recorders.push(recorder);
    return recorder;
  };
  const transforms = { Run: slimRun, Task: slimTask };
  const informers = new InformerSet({ ...seams, client: clientOf('task'), transforms });
  const shared = { ...seams, informers };
  const environments = new EnvironmentController({
    ...shared,
    client: clientOf('environment'),
    events: eventsOf('environment', 'environment-controller'),
    ...engine,
  });
  const controllers: Controller[] = [
    environments,
    new TaskController({ ...shared, client: clientOf('task'), events: eventsOf('task', 'task-controller') }),
    new NodeController({
      ...shared,
      client: clientOf('node'),
      events: eventsOf('node', 'node-controller'),
      leases: service.leases,
    }),
    new RunReaper({ ...shared, client: clientOf('reaper') }),
    new EventReaper({ ...shared, client: clientOf('reaper') }),
    new UsageReaper({ ...shared, client: clientOf('reaper') }),
    new Scheduler({
      ...shared,
      client: clientOf('scheduler'),
      events: eventsOf('scheduler', 'scheduler'),
      policy: seams.placementPolicy,
    }),
  ];
  const manager = new Manager({ ...shared, controllers });
  return {
    start: () => manager.start(),
    underWay: () => manager.underWay(),
    async stop() {
      environments.stop();
      await manager.stop();
      await Promise.all(recorders.map((recorder) => recorder.stop()));
    },
  };
}
