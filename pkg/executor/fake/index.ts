/**
 * A machine that is only a model, for the simulator and for tests: programs last and end as their commands say,
 * requests take virtual time, get lost, and are carried out after the death of the runner that sent them. Decides
 * nothing; counts how often each program was really started.
 */
export * from './executor.ts';
export * from './machine.ts';
export * from './program.ts';
