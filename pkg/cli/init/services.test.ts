import { expect, it } from 'vitest';
import { hostService, runnerService } from './services.ts';

const places = {
  node: '/usr/bin/node',
  program: '/opt/river/river-runner.js',
  config: '/etc/river/r.yaml',
  isRoot: true,
};

it("a restart of the runner's service leaves alone what runs", () => {
  const unit = runnerService(places);
  for (const line of ['KillMode=process', 'Delegate=yes', 'Restart=always', 'OOMPolicy=continue'])
    expect(unit.split('\n')).toContain(line);
  expect(unit).toContain('\nExecStart=/usr/bin/node /opt/river/river-runner.js --config /etc/river/r.yaml\n');
});

it("a service is the machine's for root, else the person's", () => {
  expect(hostService(places)).toContain('WantedBy=multi-user.target');
  expect(hostService({ ...places, isRoot: false })).toContain('WantedBy=default.target');
});

it('paths with signs that systemd reads arrive as they are', () => {
  const config = '/home/me/my "files"/$x%y.yaml';
  expect(hostService({ ...places, config })).toContain('--config "/home/me/my \\"files\\"/$$x%%y.yaml"\n');
});
