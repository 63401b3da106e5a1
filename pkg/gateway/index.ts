/**
 * The bytes between host and nodes. Each runner keeps one ssh connection to the host, and the host opens channels in it,
 * each for one service that it names: a node needs no port and no address. Decides who may keep such a tunnel, and by
 * which way output is read; never which Run may be read by whom, and it starts nothing.
 */
export { Gateway, type GatewayLimits, type GatewayOptions } from './host/gateway.ts';
export { loadOrCreateSshKey, type SshKey } from './keys.ts';
export { NodeLogReader, type NodeLogReaderOptions } from './logs/node-log-reader.ts';
export { logService, logServiceName } from './logs/service.ts';
export type { ChannelService, ServiceChannel } from './node/channel-server.ts';
export { RunnerTunnel, type RunnerTunnelOptions } from './node/runner-tunnel.ts';
