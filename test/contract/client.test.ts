import { ApiHost } from '../support/api-host.ts';
import { type ClientHarness, clientContract } from './client.ts';

function harnessOf(host: ApiHost, as: ClientHarness['as']): ClientHarness {
  return {
    as,
    controller: (name) => host.local({ role: 'controller', name }),
    writeLog: (...log) => host.writeLog(...log),
    compact: () => host.store.compact(host.store.version()),
    close: () => host.close(),
  };
}

clientContract('LocalClient', async () => {
  const host = new ApiHost();
  return harnessOf(host, (identity) => host.local(identity));
});

clientContract('HttpClient', async () => {
  const host = new ApiHost();
  const server = await host.listen();
  return harnessOf(host, (identity) => host.http(server, identity));
});
