// Times in the user's zone, lengths as clocks, amounts and shares in the user's language.
import { onScopeDispose, ref, type Ref } from "vue";
import { localeTag } from "@/i18n";

type When = string | number | Date;

export function timeOfDay(when: When): string {
  return new Intl.DateTimeFormat(localeTag.value, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(new Date(when));
}

export function dateTime(when: When): string {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false } as const;
  return new Intl.DateTimeFormat(localeTag.value, parts).format(new Date(when));
}

export function dateOnly(when: When): string {
  return new Intl.DateTimeFormat(localeTag.value, { year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(when));
}

/** `75` → `1:15`, from an hour on `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function share(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return new Intl.NumberFormat(localeTag.value, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function whole(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : new Intl.NumberFormat(localeTag.value).format(value);
}

/** Now, in milliseconds, moving on every `everyMs` while the component lives. */
export function useNow(everyMs = 1000): Ref<number> {
  const now = ref(Date.now());
  const timer = window.setInterval(() => (now.value = Date.now()), everyMs);
  onScopeDispose(() => window.clearInterval(timer));
  return now;
}
