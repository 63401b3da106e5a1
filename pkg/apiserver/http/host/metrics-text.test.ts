import { expect, it } from 'vitest';
import { gpu, ready, readyNode } from '../../../../test/support/machines.ts';
import { MetricsCounter } from '../../metrics.ts';
import { metricsText } from './metrics-text.ts';

const node = readyNode('n"1', {
  conditions: [ready, { ...ready, type: 'DiskPressure', status: 'False' }],
  capacity: { cores: 8, memory: 1024 },
  gpus: [gpu(3, 'g')],
  usage: { cpuPercent: 50, gpus: [{ uuid: 'g', utilization: 25, powerDraw: 90.5, clockSm: 1410 }] },
});

it('writes counters, runs by phase, conditions and live values as Prometheus reads them', () => {
  const metrics = new MetricsCounter();
  metrics.refused('fit');
  const phases = new Map([['Running', 2]] as const);
  const vitals = { space: { size: 100, free: 30 }, clockJumps: 1 };
  const counters = () => ({ run_backed_off: 4 });
  const text = metricsText({ metrics, version: 7, vitals, nodes: [node], phases, counters });
  for (const line of [
    '# TYPE river_refused_total counter',
    'river_refused_total{reason="fit"} 1',
    'river_refused_total{reason="session"} 0',
    'river_watches 0',
    'river_store_version 7',
    'river_runs{phase="Running"} 2',
    'river_node_condition{node="n\\"1",condition="Ready"} 1',
    'river_node_condition{node="n\\"1",condition="DiskPressure"} 0',
    'river_host_state_free_bytes 30',
    'river_host_clock_jumps_total 1',
    '# TYPE river_runner_events_total counter',
    'river_runner_events_total{node="n\\"1",event="run_backed_off"} 4',
    'river_node_cpu_ratio{node="n\\"1"} 0.5',
    'river_gpu_utilization_ratio{node="n\\"1",uuid="g",index="3"} 0.25',
    'river_gpu_power_watts{node="n\\"1",uuid="g",index="3"} 90.5',
    'river_gpu_clock_sm_hertz{node="n\\"1",uuid="g",index="3"} 1410000000',
  ])
    expect(text.split('\n')).toContain(line);
  expect(text).not.toContain('fan_speed');
  expect(text.endsWith('\n')).toBe(true);
});
