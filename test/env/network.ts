/**
 * Machines with their own addresses on one switch, as network namespaces of this machine: `ip netns`, veth and a bridge
 * of iproute2. A cable can be pulled, a switch can drop everything in silence, a line can be slow.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const run = (program: string, ...args: string[]) => execute(program, args, { env });
const words = (text: string) => text.split(' ');

/** Inside of the namespaces only. */
const prefix = '10.77.0.';

export class TestNetwork {
  readonly #prefix = `river-${process.pid}-`;
  readonly #machines: string[] = [];

  /** Raises where the machine does not let namespaces be made. */
  async start(names: readonly string[]): Promise<void> {
    await this.#namespace('switch');
    await this.#ip('switch', 'link add bridge0 type bridge');
    await this.#ip('switch', 'link set bridge0 up');
    for (const name of names) await this.#plugIn(name);
  }

  addressOf(name: string): string {
    return `${prefix}${this.#machines.indexOf(name)}`;
  }

  /** What a command begins with that is to run on that machine. */
  inside(name: string): string[] {
    return ['nsenter', `--net=/run/netns/${this.#prefix}${name}`, '--'];
  }

  /** Pulls the cable: the machine's own kernel knows. */
  async pull(name: string): Promise<void> {
    await this.#ip(name, 'link set eth0 down');
  }

  async plug(name: string): Promise<void> {
    await this.#ip(name, 'link set eth0 up');
  }

  /** The switch forwards nothing to or from it: nobody is told. */
  async silence(name: string): Promise<void> {
    await this.#ip('switch', `link set ${name} nomaster`);
  }

  async unsilence(name: string): Promise<void> {
    await this.#ip('switch', `link set ${name} master bridge0`);
  }

  /** What a program that is killed leaves says goodbye no more, as on a machine that loses its power. */
  async dieSilently(name: string): Promise<void> {
    const [program = '', ...more] = this.inside(name);
    await run(program, ...more, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries');
  }

  /** Both directions; as in `256kbit`. Raises where the kernel has no token bucket filter. */
  async slowDown(name: string, rate: string): Promise<void> {
    const filter = `root tbf rate ${rate} burst 16kb latency 400ms`;
    await run('tc', ...words(`-n ${this.#prefix}${name} qdisc replace dev eth0 ${filter}`));
    await run('tc', ...words(`-n ${this.#prefix}switch qdisc replace dev ${name} ${filter}`));
  }

  async speedUp(name: string): Promise<void> {
    await run('tc', ...words(`-n ${this.#prefix}${name} qdisc del dev eth0 root`));
    await run('tc', ...words(`-n ${this.#prefix}switch qdisc del dev ${name} root`));
  }

  /** With everything in them: the devices go with their namespace. */
  async remove(): Promise<void> {
    for (const name of this.#machines.splice(0)) await run('ip', 'netns', 'del', this.#prefix + name);
  }

  async #namespace(name: string): Promise<void> {
    await run('ip', 'netns', 'add', this.#prefix + name);
    this.#machines.push(name);
    await this.#ip(name, 'link set lo up');
  }

  async #plugIn(name: string): Promise<void> {
    await this.#namespace(name);
    const peer = `peer name eth0 netns ${this.#prefix}${name}`;
    await this.#ip('switch', `link add ${name} type veth ${peer}`);
    await this.#ip('switch', `link set ${name} master bridge0 up`);
    await this.#ip(name, `addr add ${this.addressOf(name)}/24 dev eth0`);
    await this.plug(name);
  }

  #ip(name: string, command: string) {
    return run('ip', '-n', this.#prefix + name, ...words(command));
  }
}

/** Or why there is none. Raises instead when RIVER_TEST_ALL=1: then nothing may be left out. */
export async function withNetwork(names: readonly string[]): Promise<TestNetwork | undefined> {
  const network = new TestNetwork();
  try {
    await network.start(names);
    return network;
  } catch (error) {
    await network.remove();
    if (process.env.RIVER_TEST_ALL === '1') throw error;
    process.stderr.write(`tests with network namespaces are left out: ${String(error)}\n`);
    return undefined;
  }
}
