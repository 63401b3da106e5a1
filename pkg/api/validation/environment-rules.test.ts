import { expect, it } from 'vitest';
import { validateObject } from './validate.ts';

const environment = (spec: object, name = 'py') => ({
  apiVersion: 'river.dev/v1',
  kind: 'Environment',
  metadata: { name },
  spec: { from: { image: 'busybox' }, ...spec },
});
const wrong = (spec: object, name?: string) =>
  validateObject('Environment', environment(spec, name)).map(({ field, message }) => `${field}: ${message}`);

it('takes what the documentation shows', () => {
  const steps = [
    { run: 'pip install numpy' },
    { run: ['pip', 'install', 'numpy'] },
    { copy: { from: './requirements.txt', to: '/tmp/' } },
    { env: { A: 'b' } },
    { workdir: '/srv' },
  ];
  const limits = { cores: 1.5, memory: '2G', timeout: '10m' };
  expect(
    wrong({ steps, limits, rebuild: '2', prefetch: true, keep: 3, interactive: true, suspend: true }),
  ).toEqual([]);
});

it.each([
  [
    { from: { image: 'a', environment: 'b' } },
    'spec.from: must have exactly one of image, environment, tarball, upload, rootfs; found image and environment',
  ],
  [
    { from: {} },
    'spec.from: must have exactly one of image, environment, tarball, upload, rootfs; found none',
  ],
  [{ from: { environment: 'No Name' } }, 'spec.from.environment: must be lower case letters'],
  [{ from: { image: 'a b' } }, 'spec.from.image: must be the name of an image'],
  [{ from: { image: 'Python' } }, 'found "Python"'],
  [{ from: { tarball: 'a.tar' } }, 'spec.from.tarball: must be an absolute path'],
  [{ from: { rootfs: 'a.tar' } }, 'spec.from.rootfs: must be an absolute path'],
  [{ steps: [{}] }, 'spec.steps[0]: must have exactly one of run, copy, env, workdir; found none'],
  [{ steps: [{ run: 'a', workdir: '/b' }] }, 'found run and workdir'],
  [{ steps: [{ run: 3 }] }, 'spec.steps[0].run: must be a text, or a list of texts'],
  [{ steps: [{ run: ['', 'a'] }] }, 'spec.steps[0].run[0]: must be the name or path of a program'],
  [{ steps: [{ run: 'a\0b' }] }, 'spec.steps[0].run: must not hold a NUL'],
  [{ steps: [{ copy: { from: '../x', to: '/x' } }] }, 'spec.steps[0].copy.from: must stay within the folder'],
  [
    { steps: [{ copy: { from: 'a/../../x', to: '/x' } }] },
    'spec.steps[0].copy.from: must stay within the folder',
  ],
  [{ steps: [{ copy: { from: '/etc/passwd', to: '/x' } }] }, 'spec.steps[0].copy.from: must stay within'],
  [{ steps: [{ copy: { from: 'x', to: 'x' } }] }, 'spec.steps[0].copy.to: must be an absolute path'],
  [{ steps: [{ env: { '1A': 'b' } }] }, 'spec.steps[0].env["1A"]: must be a name of letters'],
  [{ steps: [{ workdir: 'b' }] }, 'spec.steps[0].workdir: must be an absolute path'],
  [{ limits: { memory: '1M' } }, 'spec.limits.memory: must be 6Mi or more'],
  [{ limits: { timeout: '0s' } }, 'spec.limits.timeout: must be more than 0'],
  [{ suspend: true }, 'spec.suspend: stops the working container, and there is none: set interactive: true'],
  [{ suspend: true, interactive: false }, 'spec.suspend: stops the working container'],
  [{ interactive: 'yes' }, 'spec.interactive: must be true or false'],
  [{ keep: 0 }, 'spec.keep: must be 1 or more'],
])('refuses %j', (spec, message) => {
  expect(wrong(spec)).toEqual([expect.stringContaining(message)]);
});

it('refuses a name that no image can have', () => {
  expect(wrong({}, 'a'.repeat(201))).toEqual(['metadata.name: must have at most 200 characters; found 201']);
  expect(wrong({}, 'Py')).toEqual([expect.stringContaining('metadata.name: must be lower case')]);
});
