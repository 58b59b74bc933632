// Which of this browser's pages has the phone: a second one does not take it by being opened, only when asked to.

const LOCK = "dialer-phone";

let release: () => void = () => undefined;

/** Whether another page of this browser has the phone. */
export async function isElsewhere(): Promise<boolean> {
  const { held } = await navigator.locks.query();
  return held?.some((lock) => lock.name === LOCK) ?? false;
}

/** Makes it this page's; the one before hears of it from the service. */
export function own(): void {
  disown();
  const until = new Promise<void>((resolve) => (release = resolve));
  navigator.locks.request(LOCK, { steal: true }, () => until).catch(() => undefined); // another page took it in turn
}

export function disown(): void {
  release();
}
