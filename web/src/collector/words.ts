// Words that come with a campaign, in the reader's language where the campaign has it.
import { i18n, language, localeTag } from "@/i18n";
import type { Schemas } from "@/api/client";

interface Labelled {
  label: string;
  label_en: string;
}

export function said(text: Schemas["LocalText"]): string {
  return language.value === "zh" ? text.zh || text.en : text.en || text.zh;
}

export function labelOf(one: Labelled): string {
  return language.value === "zh" ? one.label : one.label_en || one.label;
}

/** An amount given as decimal text or a number, with its hundredths. */
export function amount(value: string | number): string {
  const figures = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return new Intl.NumberFormat(localeTag.value, figures).format(Number(value));
}

/** A day given as YYYY-MM-DD; it has no zone. */
export function day(value: string): string {
  const parts = { year: "numeric", month: "short", day: "numeric", weekday: "short", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat(localeTag.value, parts).format(new Date(`${value}T00:00:00Z`));
}

/** The name of a column of the list; those that many houses use have words of their own. */
export function columnName(name: string): string {
  const key = `collector.columns.${name}`;
  return /^[a-z0-9_]+$/.test(name) && i18n.global.te(key) ? i18n.global.t(key) : name;
}

export function fieldValue(field: Schemas["CaseField"]): string {
  const { t } = i18n.global;
  if (typeof field.value === "boolean") return t(field.value ? "common.yes" : "common.no");
  if (field.kind === "amount") return amount(field.value);
  if (field.kind === "date") return day(String(field.value));
  return String(field.value);
}
