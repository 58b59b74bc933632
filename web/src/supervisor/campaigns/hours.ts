// The hours of a day that are worth drawing.

/** From the first hour with a call to the last one, an hour on each side; all of them where nothing was dialed. */
export function withCalls<T extends { dials: number }>(hours: readonly T[]): readonly T[] {
  const first = hours.findIndex((hour) => hour.dials > 0);
  if (first < 0) return hours;
  const last = hours.findLastIndex((hour) => hour.dials > 0);
  return hours.slice(Math.max(0, first - 1), last + 2);
}
