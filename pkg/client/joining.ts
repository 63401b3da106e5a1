/** How a machine becomes a node; only over HTTP. */
export interface Joining {
  /** For admins. Raises `Invalid` for a name that no node can have. */
  createJoinToken(node: string, options: JoinTokenOptions): Promise<JoinToken>;
  /** For admins: the machine that has the name is shut out. Raises `NotFound` when none has. */
  revokeNode(node: string): Promise<void>;
  /** For anybody with a token. Raises `Unauthorized` for a wrong, used or expired one, `AlreadyExists` for a taken name. */
  join(node: string, request: JoinRequest): Promise<JoinAnswer>;
}

export interface JoinTokenOptions {
  /** As in `30m`. Default one hour. */
  expires?: string;
  /** It may take the name from the machine that has it. */
  replace?: boolean;
}

export interface JoinToken {
  token: string;
  /** RFC 3339. */
  expiresAt: string;
}

export interface JoinRequest {
  token: string;
  /** Ed25519, SPKI in DER, base64. */
  publicKey: string;
  /** By that key, over the token, base64. */
  signature: string;
}

export interface JoinAnswer {
  /** For the key, PEM. */
  certificate: string;
  /** Of the authority, PEM. */
  ca: string;
}
