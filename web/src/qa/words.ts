// Texts that have an English and a Chinese form, of which one may be missing.
import { language } from "@/i18n";

interface Words {
  en?: string;
  zh?: string;
}

export function said(words: Words | null | undefined): string {
  if (!words) return "";
  return (language.value === "zh" ? words.zh || words.en : words.en || words.zh) ?? "";
}
