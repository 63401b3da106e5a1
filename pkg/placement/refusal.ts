/** Which rule refuses; unlike the sentence it does not change with every number. */
export type RefusalCode =
  | 'Target'
  | 'Deleting'
  | 'NotReady'
  | 'Fenced'
  | 'Unschedulable'
  | 'Pressure'
  | 'Avoided'
  | 'Taint'
  | 'Selector'
  | 'Runtime'
  | 'Cores'
  | 'Memory'
  | 'Pin'
  | 'Numa'
  | 'Gpus'
  /** Kept for a Run that comes first. */
  | 'Reserved';

export interface Refusal {
  code: RefusalCode;
  /** For people, short: `4 of 8 cores free, needs 6`. */
  reason: string;
}
