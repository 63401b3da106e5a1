/**
 * Who is who on the wire: the host's certificate authority, its server certificate and the renewal of that, the
 * tokens by which machines join, and the keys of nodes. Decides which key a node's name belongs to; never what its
 * holder may do.
 */
export * from './authority.ts';
export * from './join-token.ts';
export * from './joining.ts';
export * from './node-credential.ts';
export * from './node-registry.ts';
export * from './server-certificate.ts';
export * from './server-names.ts';
