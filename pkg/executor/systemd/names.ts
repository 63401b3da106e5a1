/** Of every service of one cluster on this machine. */
export function unitPrefix(clusterUid: string): string {
  return `river-${clusterUid.slice(0, 12)}-`;
}

export function unitName(clusterUid: string, runUid: string): string {
  return `${unitPrefix(clusterUid)}${runUid}.service`;
}

/** The uid of the Run in the name of a service of this cluster; undefined for another one's. */
export function runUidOf(clusterUid: string, unit: string): string | undefined {
  const prefix = unitPrefix(clusterUid);
  return unit.startsWith(prefix) && unit.endsWith('.service')
    ? unit.slice(prefix.length, -'.service'.length)
    : undefined;
}
