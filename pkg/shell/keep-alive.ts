import type { WebSocket } from 'ws';
import type { Clock } from '../base/index.ts';

const pingMs = 10_000;
const silenceMs = 35_000;

/**
 * Shows the other side that this one is there, and ends a connection on which nothing comes any more, not even pings
 * or their answers. While it is paused, because what came is not taken, its silence says nothing.
 */
export function keepAlive(socket: WebSocket, clock: Clock): void {
  let heardAt = clock.monotonic();
  const heard = () => {
    heardAt = clock.monotonic();
  };
  for (const event of ['message', 'ping', 'pong'] as const) socket.on(event, heard);
  const beat = () => {
    if (socket.isPaused) heard();
    if (clock.monotonic() - heardAt >= silenceMs) return socket.terminate();
    socket.ping();
    timer = clock.after(pingMs, beat);
  };
  let timer = clock.after(pingMs, beat);
  socket.on('close', () => timer.cancel());
}
