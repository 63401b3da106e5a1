import { describe, expect, it } from 'vitest';
import { type Clock, RiverError, realClock, seededRng } from '../../base/index.ts';
import type { BuildLogOptions, Client, HttpClient, LogOptions } from '../../client/index.ts';
import { buildLogStream, logStream } from './log-stream.ts';

const text = Buffer.from('one\ntwo\nthree\n');
/** Timers fire at once: retries are not waited for. */
const clock: Clock = { ...realClock, after: (_delayMs, callback) => realClock.after(0, callback) };
const seams = { clock, rng: seededRng(1), signal: new AbortController().signal };

interface Answer {
  /** Of the run when it is asked for before this answer. */
  phase: string;
  /** Bytes that exist by then. */
  length: number;
  broken?: boolean;
}

/** A host whose run writes `text` bit by bit; every request for output gets the next answer. */
function host(answers: Answer[]) {
  const requests: Partial<LogOptions>[] = [];
  async function* logs(_namespace: string, _run: string, { offset, tailLines, startsAt }: LogOptions) {
    const answer = answers.shift();
    if (!answer) throw new Error('asked too often');
    requests.push({ offset, tailLines });
    const from = tailLines === undefined ? (offset ?? 0) : text.lastIndexOf('\n', answer.length - 2) + 1;
    startsAt?.(from);
    yield text.subarray(from, answer.length);
    if (answer.broken) throw new RiverError('ServiceUnavailable', 'gone');
  }
  const get = async () => ({ status: { phase: answers[0]?.phase } });
  return { client: { logs, get } as unknown as Client, requests };
}

async function read(client: Client, more: { follow: boolean; tailLines?: number }): Promise<string> {
  const chunks: Uint8Array[] = [];
  const request = { namespace: 'default', run: 'a', stream: 'stdout' as const, ...more };
  for await (const chunk of logStream(client, request, seams)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('output of a run', () => {
  it('goes on at its byte when the connection broke, until the run has ended', async () => {
    const { client, requests } = host([
      { phase: 'Running', length: 2, broken: true },
      { phase: 'Running', length: 9 },
      { phase: 'Succeeded', length: text.length },
    ]);
    expect(await read(client, { follow: true })).toBe(text.toString());
    expect(requests.map(({ offset }) => offset)).toEqual([0, 2, 9]);
  });

  it('reads once more after it has seen the end of the run', async () => {
    const { client } = host([
      { phase: 'Running', length: 9 },
      { phase: 'Failed', length: text.length },
    ]);
    expect(await read(client, { follow: true })).toBe(text.toString());
  });

  it('goes on after the last lines where those began', async () => {
    const { client, requests } = host([
      { phase: 'Running', length: 8, broken: true },
      { phase: 'Succeeded', length: text.length },
    ]);
    expect(await read(client, { follow: true, tailLines: 1 })).toBe('two\nthree\n');
    expect(requests).toEqual([
      { offset: undefined, tailLines: 1 },
      { offset: 8, tailLines: undefined },
    ]);
  });

  it('without follow tells a broken connection at once', async () => {
    const { client } = host([{ phase: 'Running', length: 2, broken: true }]);
    await expect(read(client, { follow: false })).rejects.toThrow('gone');
  });
});

describe('output of a build', () => {
  const first = 'build of 1\nstep 1\nstep 2\n';
  const second = 'build of 2\nstep 1\n';

  /** A host that writes these, one after the other. */
  function builder(answers: { phase: string; build: string; text: string; broken?: boolean }[]) {
    const requests: Partial<BuildLogOptions>[] = [];
    async function* buildLog(_name: string, options: BuildLogOptions) {
      const answer = answers.shift();
      if (!answer) throw new Error('asked too often');
      const { offset = 0, build, startsAt } = options;
      requests.push({ offset, build });
      const from = build === undefined || build === answer.build ? offset : 0;
      startsAt?.(from, answer.build);
      yield Buffer.from(answer.text).subarray(from);
      if (answer.broken) throw new RiverError('ServiceUnavailable', 'gone');
    }
    const get = async () => ({
      metadata: { generation: 1 },
      status: { phase: answers[0]?.phase, observedGeneration: 1 },
    });
    return { client: { buildLog, get } as unknown as HttpClient, requests };
  }

  const readBuild = async (client: HttpClient, follow: boolean) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of buildLogStream(client, { environment: 'a', follow }, seams)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  it('goes on at its byte, and from its start when the host has begun another build', async () => {
    const { client, requests } = builder([
      { phase: 'Building', build: '1', text: first.slice(0, 18), broken: true },
      { phase: 'Building', build: '1', text: first, broken: true },
      { phase: 'Ready', build: '2', text: second },
    ]);
    expect(await readBuild(client, true)).toBe(first + second);
    expect(requests).toEqual([
      { offset: 0, build: undefined },
      { offset: 18, build: '1' },
      { offset: first.length, build: '1' },
    ]);
  });
});
