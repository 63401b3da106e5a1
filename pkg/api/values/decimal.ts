/**
 * `digits` (as in 12 or 1.5) times `unit`, without a floating-point step on the way. `whole` is rounded to the
 * nearest integer; `exact` says whether it had to be.
 */
export function scaleDecimal(digits: string, unit: bigint): { whole: bigint; exact: boolean } {
  const [integer = '', fraction = ''] = digits.split('.');
  const divisor = 10n ** BigInt(fraction.length);
  const product = BigInt(integer + fraction) * unit;
  return { whole: (product + divisor / 2n) / divisor, exact: product % divisor === 0n };
}
