import { createHash, X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { type Clock, RiverError } from '../../base/index.ts';
import { connectionError } from './connection-errors.ts';

const timeoutMs = 15_000;

/**
 * The certificate (PEM) of a host's authority, known by its SHA-256 (hexadecimal) alone: for a machine that joins.
 * Nothing is sent to the host. Raises `Unauthorized` when the host shows none with that hash, `ServiceUnavailable`
 * when it cannot be reached, `BadRequest` for an address that is not https://HOST:PORT.
 */
export async function fetchAuthority(server: string, sha256: string, clock: Clock): Promise<string> {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:')
    throw new RiverError('BadRequest', `the address ${server} is not of the form https://HOST:PORT`);
  const found = (await shownBy(url, clock)).find(
    (certificate) => createHash('sha256').update(certificate.raw).digest('hex') === sha256,
  );
  if (found) return found.toString();
  throw new RiverError(
    'Unauthorized',
    `the host at ${server} is not the one that made this token: it shows another authority. Check the address; nothing was sent to it`,
  );
}

/** The certificates with which the host introduces itself: nobody vouches for them yet. */
function shownBy(url: URL, clock: Clock): Promise<X509Certificate[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false });
    const timer = clock.after(timeoutMs, () => {
      socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    });
    socket.once('secureConnect', () => {
      resolve(chainOf(socket));
      socket.destroy();
    });
    socket.once('error', (error) => reject(connectionError(error, url.origin)));
    socket.once('close', () => timer.cancel());
  });
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  // An authority is its own issuer.
  for (
    let next = socket.getPeerCertificate(true);
    next?.raw && chain.length < 8;
    next = next.issuerCertificate
  ) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break;
  }
  return chain;
}
