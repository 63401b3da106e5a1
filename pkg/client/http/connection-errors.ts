import { errorMessage, RiverError } from '../../base/index.ts';

const causes: Record<string, string> = {
  ECONNREFUSED: 'connection refused; is river-host (or river dev) running?',
  ECONNRESET: 'the connection was closed by the host; try again',
  EPIPE: 'the connection was closed by the host; try again',
  ENOTFOUND: 'there is no such host name; check the address',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'connection timed out; check the address and the network',
  EHOSTUNREACH: 'no route to it; check the address and the network',
  CERT_HAS_EXPIRED:
    'its certificate has ended; look at the clocks of both machines, and at the log of the host',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; look at the clocks of both machines',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what listens there does not speak TLS; check the port',
  EPROTO: 'what listens there does not speak TLS as River does; check the port',
};

/** Codes of OpenSSL for a certificate that the authority in the configuration has not signed. */
const strangers = [
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
];

/** `Unauthorized` when it is another host than the one that is trusted; all else may pass: `ServiceUnavailable`. */
export function connectionError(error: unknown, server: string): RiverError {
  const { code = '', cert } = error as NodeJS.ErrnoException & { cert?: { subjectaltname?: string } };
  if (strangers.includes(code)) {
    return unauthorized(
      `the host at ${server} is not the one this config was made for: its certificate is of another authority. Was the host set up anew? Then copy its config file again, or join the machine again`,
      error,
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = (cert?.subjectaltname ?? '').replaceAll(/\b(DNS|IP Address):/g, '') || 'nothing';
    const hostname = new URL(server).hostname.replace(/^\[|\]$/g, '');
    return unauthorized(
      `the certificate of the host at ${server} is for ${names}: use one of these names, or add ${hostname} to tls.names in the configuration of the host`,
      error,
    );
  }
  const message = `cannot reach the host at ${server}: ${causes[code] ?? errorMessage(error)}`;
  return new RiverError('ServiceUnavailable', message, {}, { cause: error });
}

function unauthorized(message: string, cause: unknown): RiverError {
  return new RiverError('Unauthorized', message, {}, { cause });
}
