// What an attempt was taken for, and what that is called.
import { i18n } from "@/i18n";
import "./words";

/** By what decided after the answer, by what was heard before it, or by what an announcement means. */
const GROUPS = ["verdict", "label", "meaning"] as const;

export function verdictName(verdict: string): string {
  const { t, te } = i18n.global;
  const key = GROUPS.map((group) => `calls.${group}.${verdict}`).find((one) => te(one));
  return key === undefined ? verdict : t(key);
}
