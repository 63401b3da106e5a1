const codes = { green: 32, red: 31, yellow: 33, cyan: 36, grey: 90 } as const;

const phaseColours: Record<string, keyof typeof codes> = {
  Succeeded: 'green',
  Failed: 'red',
  Lost: 'red',
  Running: 'cyan',
  Preparing: 'cyan',
  Starting: 'cyan',
  Scheduled: 'cyan',
  Pending: 'yellow',
  Stopping: 'yellow',
  Suspended: 'yellow',
  Stopped: 'grey',
  Ready: 'green',
  NotReady: 'red',
  Unknown: 'yellow',
  Warning: 'yellow',
};

/** Words that say a state get its colour; everything else stays as it is. */
export function colourState(word: string, enabled: boolean): string {
  const colour = enabled ? phaseColours[word] : undefined;
  return colour ? `\u001b[${codes[colour]}m${word}\u001b[0m` : word;
}
