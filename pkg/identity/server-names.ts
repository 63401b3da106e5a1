import { hostname, networkInterfaces } from 'node:os';

const everywhere = ['0.0.0.0', '::'];

/**
 * What a server's certificate is for: the names of the configuration, this machine's own, and the address that it
 * listens on; for the one that means every address, all that the machine has.
 */
export function serverNames(configured: readonly string[], listenAddress: string): string[] {
  const address = listenAddress.replace(/^\[(.*)\]$/, '$1');
  const listening = everywhere.includes(address) ? machineAddresses() : [address];
  const names = ['localhost', '127.0.0.1', '::1', hostname().toLowerCase(), ...listening, ...configured];
  return [...new Set(names)];
}

/** Without link-local ones: nobody writes those down. */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('fe80:'));
}
